/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-toolchain-private.h"

#include "tvmsupport/process/tvm-process-private.h"
#include "tvmsupport/tvm-error.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/* Which command is the compiler: the environment first, then the names that compilers go by.
 * Nothing is run here. */

/* The order of the seed's get_cc(). */
static const char * const names[] = { "g++", "gcc", "clang++", "clang", "c++", "cc" };

/* The value of a variable, if it says anything; it is noted in @tried if not. */
static char *
try_variable (const char *variable,
              GString    *tried,
              char      **origin)
{
  g_autofree char *value = g_strdup (g_getenv (variable));

  if (value != NULL && g_strstrip (value)[0] != '\0')
    {
      *origin = g_strdup_printf (_("the environment variable %s"), variable);
      return g_steal_pointer (&value);
    }

  g_string_append_printf (tried, "%s%s", tried->len > 0 ? ", " : "", variable);
  return NULL;
}

static char *
try_name (const char *name,
          GString    *tried,
          char      **origin)
{
  g_autofree char *path = tvm_find_program (name, NULL, NULL, NULL);

  if (path != NULL)
    {
      *origin = g_strdup (_("the PATH"));
      return g_steal_pointer (&path);
    }

  g_string_append_printf (tried, "%s%s", tried->len > 0 ? ", " : "", name);
  return NULL;
}

char *
tvm_toolchain_find_default_command (char   **origin,
                                    GError **error)
{
  g_autoptr (GString) variables = g_string_new (NULL);
  g_autoptr (GString) programs = g_string_new (NULL);
  char *command = try_variable ("CXX", variables, origin);
  guint i;

  if (command == NULL)
    command = try_variable ("CC", variables, origin);
  for (i = 0; command == NULL && i < G_N_ELEMENTS (names); i++)
    command = try_name (names[i], programs, origin);

  if (command == NULL)
    g_set_error (error, TVM_ERROR, TVM_ERROR_NOT_FOUND,
                 _("No compiler was found: the environment variables %s are not set, "
                   "and none of %s is in the PATH “%s”"),
                 variables->str, programs->str, g_getenv ("PATH") != NULL ? g_getenv ("PATH") : "");
  return command;
}

static char *
find_variable_for_target (const char *target,
                          GString    *tried,
                          char      **origin)
{
  static const char * const kinds[] = { "CXX", "CC" };
  g_autofree char *underscored = g_strdelimit (g_strdup (target), "-.", '_');
  guint i;

  for (i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      g_autofree char *exact = g_strdup_printf ("%s_%s", kinds[i], target);
      g_autofree char *spelt = g_strdup_printf ("%s_%s", kinds[i], underscored);
      g_autofree char *general = g_strdup_printf ("TARGET_%s", kinds[i]);
      char *command = try_variable (exact, tried, origin);

      if (command == NULL)
        command = try_variable (spelt, tried, origin);
      if (command == NULL)
        command = try_variable (general, tried, origin);
      if (command != NULL)
        return command;
    }

  return NULL;
}

/* The target as Debian and the GNU tools name programs: without the vendor */
static char *
strip_vendor (const char *target)
{
  g_auto (GStrv) parts = g_strsplit (target, "-", -1);

  if (g_strv_length (parts) != 4)
    return NULL;

  return g_strdup_printf ("%s-%s-%s", parts[0], parts[2], parts[3]);
}

static char *
find_prefixed_program (const char *prefix,
                       GString    *tried,
                       char      **origin)
{
  char *command = NULL;
  guint i;

  for (i = 0; command == NULL && i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *name = g_strdup_printf ("%s-%s", prefix, names[i]);
      command = try_name (name, tried, origin);
    }

  return command;
}

char *
tvm_toolchain_find_command_for_target (const char  *target,
                                       char       **origin,
                                       GError     **error)
{
  g_autoptr (GString) variables = g_string_new (NULL);
  g_autoptr (GString) programs = g_string_new (NULL);
  g_autofree char *short_target = strip_vendor (target);
  g_autofree char *clang = NULL;
  char *command = find_variable_for_target (target, variables, origin);

  if (command == NULL)
    command = find_prefixed_program (target, programs, origin);
  if (command == NULL && short_target != NULL)
    command = find_prefixed_program (short_target, programs, origin);
  if (command != NULL)
    return command;

  clang = try_name ("clang++", programs, origin);
  if (clang == NULL)
    clang = try_name ("clang", programs, origin);
  if (clang != NULL)
    {
      g_autofree char *quoted = g_shell_quote (clang);
      g_autofree char *quoted_target = g_shell_quote (target);

      return g_strdup_printf ("%s --target=%s", quoted, quoted_target);
    }

  g_set_error (error, TVM_ERROR, TVM_ERROR_NOT_FOUND,
               _("No compiler for the target “%s” was found: the environment variables %s are not set, "
                 "and none of %s is in the PATH “%s”"),
               target, variables->str, programs->str,
               g_getenv ("PATH") != NULL ? g_getenv ("PATH") : "");
  return NULL;
}
