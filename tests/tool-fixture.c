/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tool-fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void
outcome_clear (Outcome *outcome)
{
  g_clear_pointer (&outcome->out, g_free);
  g_clear_pointer (&outcome->err, g_free);
}

void
set_up (Fixture       *self,
        gconstpointer  data)
{
  g_autoptr (GError) error = NULL;

  self->folder = g_dir_make_tmp ("tvm-tool-XXXXXX", &error);
  g_assert_no_error (error);
  self->tmpdir = g_build_filename (self->folder, "tmp", NULL);
  g_assert_cmpint (g_mkdir (self->tmpdir, 0700), ==, 0);
}

void
tear_down (Fixture       *self,
           gconstpointer  data)
{
  g_autoptr (GDir) dir = g_dir_open (self->folder, 0, NULL);
  const char *name = NULL;

  g_assert_cmpint (g_rmdir (self->tmpdir), ==, 0);
  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (self->folder, name, NULL);

      g_assert_cmpint (name[0], !=, '.');
      g_assert_cmpint (g_remove (path), ==, 0);
    }
  g_assert_cmpint (g_rmdir (self->folder), ==, 0);
  g_free (self->folder);
  g_free (self->tmpdir);
}

void
write_file (Fixture    *self,
            const char *name,
            const char *text)
{
  g_autofree char *path = g_build_filename (self->folder, name, NULL);
  g_autoptr (GError) error = NULL;

  g_file_set_contents (path, text, -1, &error);
  g_assert_no_error (error);
}

gboolean
exists (Fixture    *self,
        const char *name)
{
  g_autofree char *path = g_build_filename (self->folder, name, NULL);

  return g_file_test (path, G_FILE_TEST_EXISTS);
}

static char *
find_tool (void)
{
  const char *given = g_getenv ("TVM_TEST_TOOL");

  return given != NULL ? g_strdup (given) : g_find_program_in_path ("tvmsupport");
}

GSubprocessLauncher *
new_launcher (Fixture          *self,
              GSubprocessFlags  flags)
{
  GSubprocessLauncher *launcher = g_subprocess_launcher_new (flags);

  g_subprocess_launcher_set_cwd (launcher, self->folder);
  g_subprocess_launcher_setenv (launcher, "LC_ALL", "C.UTF-8", TRUE);
  g_subprocess_launcher_setenv (launcher, "TMPDIR", self->tmpdir, TRUE);
  g_subprocess_launcher_unsetenv (launcher, "NO_COLOR");
  return launcher;
}

static char *
dup_text (GBytes *bytes)
{
  g_autoptr (GString) text = g_string_new (NULL);

  g_string_append_len (text, g_bytes_get_data (bytes, NULL), (gssize) g_bytes_get_size (bytes));
  return g_strdup (text->str);
}

/* The tool and its words */
static char **
split_words (const char *words)
{
  g_autofree char *tool = find_tool ();
  g_autofree char *line = g_strdup_printf ("tool %s", words);
  char **argv = g_strsplit (g_strchomp (line), " ", -1);

  g_assert_nonnull (tool);
  g_free (argv[0]);
  argv[0] = g_steal_pointer (&tool);
  return argv;
}

GSubprocess *
start (GSubprocessLauncher *launcher,
       const char          *words)
{
  g_auto (GStrv) argv = split_words (words);
  g_autoptr (GError) error = NULL;
  GSubprocess *process = NULL;

  process = g_subprocess_launcher_spawnv (launcher, (const char * const *) argv, &error);
  g_assert_no_error (error);
  return process;
}

void
run (Fixture    *self,
     Outcome    *outcome,
     const char *words)
{
  run_with_input (self, outcome, NULL, words);
}

void
run_with_input (Fixture    *self,
                Outcome    *outcome,
                GBytes     *input,
                const char *words)
{
  const GSubprocessFlags flags = input != NULL ? G_SUBPROCESS_FLAGS_STDIN_PIPE : 0;
  g_autoptr (GSubprocessLauncher) launcher = NULL;
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (GBytes) out = NULL;
  g_autoptr (GBytes) err = NULL;
  g_autoptr (GError) error = NULL;

  launcher = new_launcher (self, flags | G_SUBPROCESS_FLAGS_STDOUT_PIPE
                                 | G_SUBPROCESS_FLAGS_STDERR_PIPE);
  process = start (launcher, words);
  g_subprocess_communicate (process, input, NULL, &out, &err, &error);
  g_assert_no_error (error);

  outcome_clear (outcome);
  outcome->status = g_subprocess_get_if_exited (process) ? g_subprocess_get_exit_status (process)
                                                         : -1;
  outcome->out = dup_text (out);
  outcome->err = dup_text (err);
  g_test_message ("%s: %d", words, outcome->status);
}

void
assert_quiet (const Outcome *outcome)
{
  g_assert_cmpstr (outcome->err, ==, "");
  g_assert_cmpint (outcome->status, ==, 0);
}

void
assert_contains (const char *text,
                 const char *part)
{
  if (strstr (text, part) == NULL)
    g_test_message ("not in: %s", text);
  g_assert_nonnull (strstr (text, part));
}

JsonNode *
parse_json (const char *text)
{
  g_autoptr (GError) error = NULL;
  JsonNode *root = json_from_string (text, &error);

  g_assert_no_error (error);
  g_assert_true (JSON_NODE_HOLDS_OBJECT (root));
  return root;
}

/* Returns: everything that came to the terminal behind @fd until it was hung up. */
static char *
read_terminal (int fd)
{
  GString *text = g_string_new (NULL);
  char buffer[4096];
  gssize n = 0;

  while ((n = read (fd, buffer, sizeof buffer)) > 0 || (n < 0 && errno == EINTR))
    g_string_append_len (text, buffer, MAX (n, 0));

  return g_string_free (text, FALSE);
}

char *
run_on_terminal (Fixture    *self,
                 const char *term,
                 const char *no_color,
                 int         expected_status,
                 const char *words)
{
  g_autoptr (GSubprocessLauncher) launcher =
    new_launcher (self, G_SUBPROCESS_FLAGS_STDOUT_SILENCE);
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (GError) error = NULL;
  const int terminal = posix_openpt (O_RDWR | O_NOCTTY | O_CLOEXEC);
  g_autofree char *text = NULL;

  /* A chroot may have no /dev/pts. */
  if (terminal < 0)
    return NULL;

  g_assert_cmpint (grantpt (terminal), ==, 0);
  g_assert_cmpint (unlockpt (terminal), ==, 0);
  g_subprocess_launcher_take_stderr_fd (launcher, open (ptsname (terminal),
                                                        O_RDWR | O_NOCTTY | O_CLOEXEC));
  g_subprocess_launcher_setenv (launcher, "TERM", term, TRUE);
  if (no_color != NULL)
    g_subprocess_launcher_setenv (launcher, "NO_COLOR", no_color, TRUE);
  process = start (launcher, words);
  /* The launcher keeps the other end open. */
  g_clear_object (&launcher);

  text = read_terminal (terminal);
  close (terminal);
  g_subprocess_wait (process, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (g_subprocess_get_exit_status (process), ==, expected_status);
  return g_steal_pointer (&text);
}
