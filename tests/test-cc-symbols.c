/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-cc.h"

#include "tvmsupport/files/tvm-temp-directory.h"
#include "tvmsupport/tvm-error.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct
{
  TvmTempDirectory *temp;
  char *cwd;
} Fixture;

static void
setup (Fixture       *f,
       gconstpointer  data)
{
  f->temp = tvm_temp_directory_new (NULL, NULL);
  g_assert_nonnull (f->temp);
  f->cwd = g_get_current_dir ();
}

static void
teardown (Fixture       *f,
          gconstpointer  data)
{
  g_assert_no_errno (chdir (f->cwd));
  g_clear_object (&f->temp);
  g_free (f->cwd);
}

static char *
put (Fixture    *f,
     const char *name,
     const char *data)
{
  char *path = g_build_filename (tvm_temp_directory_get_path (f->temp), name, NULL);

  g_assert_true (g_file_set_contents (path, data, -1, NULL));
  return path;
}

/* An nm of our own, which prints what it is given */
static char *
put_nm (Fixture    *f,
        const char *script)
{
  g_autofree char *text = g_strconcat ("#!/bin/sh\n", script, NULL);
  char *path = put (f, "my nm", text);

  g_assert_no_errno (g_chmod (path, 0755));
  return path;
}

static gboolean
compile (Fixture     *f,
         const char  *source,
         const char  *name,
         const char  *driver,
         const char  *option)
{
  g_autoptr (GSubprocess) process = NULL;
  g_autofree char *program = g_find_program_in_path (driver);
  g_autofree char *source_path = put (f, "source.c", source);
  g_autofree char *output = g_build_filename (tvm_temp_directory_get_path (f->temp), name, NULL);

  if (program == NULL)
    return FALSE;
  process = g_subprocess_new (G_SUBPROCESS_FLAGS_STDERR_SILENCE, NULL, program, "-c", option, "-o",
                              output, source_path, NULL);
  return process != NULL && g_subprocess_wait_check (process, NULL, NULL);
}

static void
assert_symbol (GHashTable *map,
               const char *name,
               const char *letter)
{
  g_assert_cmpstr (g_hash_table_lookup (map, name), ==, letter);
}

/* The same read directly and by nm; names that look like options are files. */
static void
test_both_ways (Fixture       *f,
                gconstpointer  data)
{
  static const char *const names[] = { "plain.o", "-o.o", "@file.o", "a b.o" };
  static const char *const nms[] = { NULL, "nm", "llvm-nm" };

  g_assert_no_errno (chdir (tvm_temp_directory_get_path (f->temp)));
  for (gsize i = 0; i < G_N_ELEMENTS (names) * G_N_ELEMENTS (nms); i++)
    {
      const char *name = names[i % G_N_ELEMENTS (names)];
      const char *nm = nms[i / G_N_ELEMENTS (names)];
      g_autofree char *program = nm != NULL ? g_find_program_in_path (nm) : NULL;
      g_autoptr (GHashTable) map = NULL;
      g_autoptr (GError) error = NULL;

      if (nm != NULL && program == NULL)
        continue;
      if (!compile (f, "int code (void) { return 1; } int data = 1;", name, "gcc", "-O1"))
        {
          g_test_skip ("no gcc");
          return;
        }
      map = tvm_cc_get_global_symbol_section_map (name, nm, NULL, &error);
      g_assert_no_error (error);
      g_assert_cmpuint (g_hash_table_size (map), ==, 2);
      assert_symbol (map, "code", "T");
      assert_symbol (map, "data", "D");
    }
}

/* What POSIX output looks like, from several tools */
static void
test_output (Fixture       *f,
             gconstpointer  data)
{
  g_autofree char *nm = put_nm (f,
    "test \"$1 $2 $3\" = '-g --defined-only -P' || exit 9\n"
    "cat <<'END'\n"
    "\n"
    "lib.a[member.o]:\n"
    "plain T 0000000000000000 000000000000000b\n"
    "no_size T 0 \n"
    "no_size_either B 4\n"
    "hex_letter D 0 4\n"
    "bitcode T ---------------- 0\n"
    "-[Foo bar:] t 10 20\n"
    "versioned@@V2 T 10 20\n"
    "versioned@V1 D 10 20\n"
    "hidden@V1 D 10 20\n"
    "spaces in it B 10 20\n"
    "@ T 0 1\n"
    "nonsense\n"
    "more nonsense\n"
    "A A 2a\n"
    "END\n");
  g_autofree char *path = put (f, "any", "");
  g_autoptr (GError) error = NULL;
  g_autoptr (GHashTable) map = tvm_cc_get_global_symbol_section_map (path, nm, NULL, &error);

  g_assert_no_error (error);
  assert_symbol (map, "plain", "T");
  assert_symbol (map, "no_size", "T");
  assert_symbol (map, "no_size_either", "B");
  assert_symbol (map, "hex_letter", "D");
  assert_symbol (map, "bitcode", "T");
  assert_symbol (map, "-[Foo bar:]", "t");
  assert_symbol (map, "versioned", "T");
  assert_symbol (map, "hidden", "D");
  assert_symbol (map, "spaces in it", "B");
  assert_symbol (map, "@", "T");
  assert_symbol (map, "A", "A");
  g_assert_cmpuint (g_hash_table_size (map), ==, 11);
}

static void
test_fails (Fixture       *f,
            gconstpointer  data)
{
  g_autofree char *nm = put_nm (f, "echo \"my nm: broken\" >&2; exit 1\n");
  g_autofree char *silent = NULL;
  g_autofree char *path = put (f, "any", "text");
  g_autoptr (GError) error = NULL;

  g_assert_null (tvm_cc_get_global_symbol_section_map (path, nm, NULL, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_FAILED);
  g_assert_nonnull (strstr (error->message, "my nm: broken"));
  g_assert_nonnull (strstr (error->message, path));
  g_clear_error (&error);

  silent = put_nm (f, "exit 3\n");
  g_assert_null (tvm_cc_get_global_symbol_section_map (path, silent, NULL, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_FAILED);
  g_clear_error (&error);

  g_assert_null (tvm_cc_get_global_symbol_section_map (path, "no-such-nm", NULL, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_assert_null (tvm_cc_get_global_symbol_section_map ("/no/such/file", NULL, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_assert_null (tvm_cc_get_global_symbol_section_map ("/no/such/file", nm, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_assert_null (tvm_cc_get_global_symbol_section_map (path, NULL, NULL, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_INVALID_OBJECT);
}

/* What is not ELF */
static void
test_other_formats (Fixture       *f,
                    gconstpointer  data)
{
  static const struct { const char *driver; const char *option; } ways[] = {
    { "clang", "--target=wasm32" }, { "clang", "-emit-llvm" },
    { "clang", "--target=x86_64-apple-macos" },
  };
  g_autofree char *nm = g_find_program_in_path ("llvm-nm");
  g_autofree char *path = g_build_filename (tvm_temp_directory_get_path (f->temp), "a", NULL);
  guint n = 0;

  for (gsize i = 0; i < G_N_ELEMENTS (ways) && nm != NULL; i++)
    {
      g_autoptr (GHashTable) map = NULL;
      g_autoptr (GError) error = NULL;

      if (!compile (f, "int code (void) { return 1; }", "a", ways[i].driver, ways[i].option))
        continue;
      map = tvm_cc_get_global_symbol_section_map (path, NULL, NULL, &error);
      g_assert_no_error (error);
      g_assert_cmpuint (g_hash_table_size (map), ==, 1);
      n++;
    }
  if (n == 0)
    g_test_skip ("no clang or no llvm-nm");
}

static void
store_result (GObject      *source,
              GAsyncResult *result,
              gpointer      user_data)
{
  g_set_object ((GAsyncResult **) user_data, result);
}

static gpointer
async_thread (gpointer user_data)
{
  Fixture *f = user_data;
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autofree char *nm = put_nm (f, "exec sleep 1000\n");
  g_autofree char *path = put (f, "any", "text");

  g_main_context_push_thread_default (context);
  for (guint i = 0; i < 3; i++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      g_autoptr (GAsyncResult) result = NULL;
      g_autoptr (GError) error = NULL;

      /* Before, meanwhile in the program, meanwhile in the file */
      if (i == 0)
        g_cancellable_cancel (cancellable);
      tvm_cc_get_global_symbol_section_map_async (path, i < 2 ? nm : NULL, cancellable,
                                                  store_result, &result);
      g_assert_null (result);
      g_cancellable_cancel (cancellable);
      while (result == NULL)
        g_main_context_iteration (context, TRUE);
      g_assert_null (tvm_cc_get_global_symbol_section_map_finish (result, &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    }
  while (g_main_context_iteration (context, FALSE))
    ;
  g_main_context_pop_thread_default (context);
  return NULL;
}

static void
test_cancelled (Fixture       *f,
                gconstpointer  data)
{
  g_thread_join (g_thread_new ("async", async_thread, f));
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name, func) g_test_add ("/cc-symbols/" name, Fixture, NULL, setup, func, teardown)
  ADD ("both-ways", test_both_ways);
  ADD ("output", test_output);
  ADD ("fails", test_fails);
  ADD ("other-formats", test_other_formats);
  ADD ("cancelled", test_cancelled);
#undef ADD

  return g_test_run ();
}
