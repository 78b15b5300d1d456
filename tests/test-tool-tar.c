/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tool-fixture.h"

#include <glib/gstdio.h>
#include <sys/xattr.h>
#include <unistd.h>

/* `tvmsupport tar` and `tvmsupport untar` */

static void
test_there_and_back (Fixture       *self,
                     gconstpointer  data)
{
  static const char *const archives[] = { "a.tar", "a.tar.gz", "a.tzst", "a.tar.xz" };

  write_file (self, "one.o", "one");
  write_file (self, "-two.o", "two");
  for (gsize i = 0; i < G_N_ELEMENTS (archives); i++)
    {
      g_autofree char *pack = g_strdup_printf ("tar -j2 %s one.o -- -two.o", archives[i]);
      g_autofree char *list = g_strdup_printf ("untar --list %s", archives[i]);
      g_autofree char *unpack = g_strdup_printf ("untar %s out%zu", archives[i], i);
      g_autofree char *unpacked = g_strdup_printf ("out%zu/-two.o", i);
      g_auto (Outcome) outcome = OUTCOME_INIT;

      run (self, &outcome, pack);
      assert_quiet (&outcome);
      run (self, &outcome, list);
      assert_quiet (&outcome);
      g_assert_cmpstr (outcome.out, ==, "one.o\n-two.o\n");
      run (self, &outcome, unpack);
      assert_quiet (&outcome);
      g_assert_true (exists (self, unpacked));
    }
}

static void
test_options (Fixture       *self,
              gconstpointer  data)
{
  g_autofree char *folder = g_build_filename (self->folder, "d", NULL);
  g_autofree char *link = g_build_filename (folder, "link", NULL);
  g_auto (Outcome) outcome = OUTCOME_INIT;
  g_autoptr (JsonNode) json = NULL;
  JsonArray *entries;
  JsonObject *entry;

  g_assert_no_errno (g_mkdir (folder, 0755));
  write_file (self, "d/x.o", "x");
  write_file (self, "x.o", "other");
  g_assert_no_errno (symlink ("x.o", link));

  run (self, &outcome, "tar a.tar x.o d/x.o");
  g_assert_cmpint (outcome.status, ==, 1);
  assert_contains (outcome.err, "same name");
  g_assert_false (exists (self, "a.tar"));
  run (self, &outcome, "tar -n -S -l1 -c zstd a.tar x.o d/x.o d");
  assert_quiet (&outcome);

  run (self, &outcome, "untar --list --json a.tar");
  assert_quiet (&outcome);
  json = parse_json (outcome.out);
  entries = json_object_get_array_member (json_node_get_object (json), "entries");
  g_assert_cmpuint (json_array_get_length (entries), ==, 5);
  entry = json_array_get_object_element (entries, 3);
  g_assert_cmpstr (json_object_get_string_member (entry, "name"), ==, "d/link");
  g_assert_cmpstr (json_object_get_string_member (entry, "type"), ==, "symlink");
  g_assert_cmpstr (json_object_get_string_member (entry, "symlink_target"), ==, "x.o");
  entry = json_array_get_object_element (entries, 1);
  g_assert_cmpstr (json_object_get_string_member (entry, "name"), ==, "x-2.o");
  g_assert_cmpint (json_object_get_int_member (entry, "size"), ==, 1);
  g_assert_false (json_object_has_member (entry, "symlink_target"));

  run (self, &outcome, "untar a.tar out");
  g_assert_cmpint (outcome.status, ==, 1);
  assert_contains (outcome.err, "symbolic links are not unpacked");
  g_assert_false (exists (self, "out"));
  run (self, &outcome, "untar --links=skip a.tar skipped");
  assert_quiet (&outcome);
  g_assert_false (exists (self, "skipped/d/link"));
  run (self, &outcome, "untar --links inside --max-size 1K --max-entries 5 a.tar out");
  assert_quiet (&outcome);
  g_assert_true (exists (self, "out/d/link"));

  run (self, &outcome, "untar --links skip --max-size 5 a.tar none");
  g_assert_cmpint (outcome.status, ==, 1);
  assert_contains (outcome.err, "more than is allowed");
  run (self, &outcome, "untar --links skip --max-entries 4 a.tar none");
  g_assert_cmpint (outcome.status, ==, 1);
  assert_contains (outcome.err, "more entries");
  g_assert_false (exists (self, "none"));
}

static void
test_xattrs (Fixture       *self,
             gconstpointer  data)
{
  g_autofree char *packed = g_build_filename (self->folder, "x.o", NULL);
  g_autofree char *unpacked = g_build_filename (self->folder, "out/x.o", NULL);
  g_autofree char *plain = g_build_filename (self->folder, "plain/x.o", NULL);
  g_auto (Outcome) outcome = OUTCOME_INIT;
  char value;

  write_file (self, "x.o", "x");
  if (setxattr (packed, "user.test", "1", 1, 0) != 0)
    {
      g_test_skip ("No extended attributes on this file system");
      return;
    }

  run (self, &outcome, "tar --xattrs a.tar x.o");
  assert_quiet (&outcome);
  run (self, &outcome, "untar --xattrs a.tar out");
  assert_quiet (&outcome);
  g_assert_cmpint (getxattr (unpacked, "user.test", &value, 1), ==, 1);
  run (self, &outcome, "untar a.tar plain");
  assert_quiet (&outcome);
  g_assert_cmpint (getxattr (plain, "user.test", &value, 1), ==, -1);
}

static void
test_failures (Fixture       *self,
               gconstpointer  data)
{
  static const struct
  {
    const char *words;
    int status;
    const char *message;
  } cases[] = {
    { "tar", 2, "No archive" },
    { "tar a.tar", 2, "No file" },
    { "tar -c bzip2 a.tar x.o", 2, "auto, none, gzip, zstd, xz" },
    { "tar -l 23 a.tar x.o", 2, "--level" },
    { "tar -j -1 a.tar x.o", 2, "--jobs" },
    { "tar a.tar nowhere.o", 1, "nowhere.o" },
    { "untar", 2, "No archive" },
    { "untar a b c", 2, "“c”" },
    { "untar -t a b", 2, "“b”" },
    { "untar --json a", 2, "--list" },
    { "untar --links follow a", 2, "refuse, skip, inside" },
    { "untar --max-size much a", 2, "much" },
    { "untar --max-ratio 0 a", 2, "--max-ratio" },
    { "untar nowhere.tar", 1, "nowhere.tar" },
    { "untar x.o", 1, "x.o" },
    { "untar -t x.o", 1, "x.o" },
  };

  write_file (self, "x.o", "x");
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_auto (Outcome) outcome = OUTCOME_INIT;

      run (self, &outcome, cases[i].words);
      g_assert_cmpint (outcome.status, ==, cases[i].status);
      g_assert_cmpstr (outcome.out, ==, "");
      assert_contains (outcome.err, cases[i].message);
      g_assert_false (exists (self, "a.tar"));
    }
}

/* A name is what it is in the archive, but not to the terminal. */
static void
test_names (Fixture       *self,
            gconstpointer  data)
{
  g_auto (Outcome) outcome = OUTCOME_INIT;
  g_autofree char *folder = g_build_filename (self->folder, "d", NULL);

  g_assert_no_errno (g_mkdir (folder, 0755));
  write_file (self, "d/a\nb\\\033[1m", "x");
  run (self, &outcome, "tar a.tar d");
  assert_quiet (&outcome);
  run (self, &outcome, "untar -t a.tar");
  assert_quiet (&outcome);
  g_assert_cmpstr (outcome.out, ==, "d/\nd/a\\nb\\\\\\033[1m\n");
}

/* The fixture wants no folders. */
static void
remove_all (Fixture       *self,
            gconstpointer  data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) process =
    g_subprocess_new (G_SUBPROCESS_FLAGS_NONE, &error, "find", self->folder, "-mindepth", "1",
                      "!", "-path", self->tmpdir, "!", "-name", ".*", "-delete", NULL);

  g_assert_no_error (error);
  g_assert_true (g_subprocess_wait_check (process, NULL, &error));
  tear_down (self, data);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name, func) g_test_add ("/tool/tar/" name, Fixture, NULL, set_up, func, remove_all)
  ADD ("there-and-back", test_there_and_back);
  ADD ("options", test_options);
  ADD ("xattrs", test_xattrs);
  ADD ("failures", test_failures);
  ADD ("names", test_names);
#undef ADD

  return g_test_run ();
}
