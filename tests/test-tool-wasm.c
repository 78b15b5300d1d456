/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tool-fixture.h"

#include <glib/gstdio.h>
#include <string.h>

/* `tvmsupport wasm` with the emscripten of this machine */

#define KEEP "__attribute__ ((used)) "
#define ADD KEEP "int add (int a, int b) { return a + b; }\n"
#define BROKEN "int f (void)\n{\n  return nothing;\n}\n"
#define NEEDY KEEP "int f (void) { extern int g (void); return g (); }\n"

static gboolean
have_emcc (void)
{
  g_autofree char *emcc = g_find_program_in_path ("emcc");

  if (emcc == NULL)
    g_test_skip ("emcc is not installed");
  return emcc != NULL;
}

/* The file is a module. */
static void
assert_module (Fixture    *self,
               const char *name)
{
  g_autofree char *path = g_build_filename (self->folder, name, NULL);
  g_autofree char *contents = NULL;
  gsize size = 0;

  g_assert_true (g_file_get_contents (path, &contents, &size, NULL));
  g_assert_cmpuint (size, >, 8);
  g_assert_cmpint (memcmp (contents, "\0asm", 4), ==, 0);
  g_assert_cmpint (g_unlink (path), ==, 0);
}

static void
test_module (Fixture       *self,
             gconstpointer  data)
{
  g_auto (Outcome) outcome = OUTCOME_INIT;

  if (!have_emcc ())
    return;

  write_file (self, "add.c", ADD);
  write_file (self, "broken.c", BROKEN);
  run (self, &outcome, "wasm -o add.module add.c -- -O1 -s STANDALONE_WASM=1");
  assert_quiet (&outcome);
  assert_module (self, "add.module");

  run (self, &outcome, "wasm -o broken.wasm add.c broken.c");
  g_assert_cmpint (outcome.status, ==, 1);
  assert_contains (outcome.err, "broken.c:3:10: error:");
  assert_contains (outcome.err, "“broken.wasm” was not made: 1 error");
  g_assert_false (exists (self, "broken.wasm"));
}

static void
test_clang (Fixture       *self,
            gconstpointer  data)
{
  g_autofree char *linker = g_find_program_in_path ("wasm-ld");
  g_autofree char *clang = g_find_program_in_path ("clang");
  g_auto (Outcome) outcome = OUTCOME_INIT;

  if (linker == NULL || clang == NULL)
    {
      g_test_skip ("clang or wasm-ld is not installed");
      return;
    }

  /* The command is given with its argument, which no blank may separate here. */
  write_file (self, "add.c", ADD);
  write_file (self, "compiler", "#!/bin/sh\nexec clang --target=wasm32 \"$@\"\n");
  g_free (clang);
  clang = g_build_filename (self->folder, "compiler", NULL);
  g_assert_cmpint (g_chmod (clang, 0700), ==, 0);
  run (self, &outcome, "wasm --cc ./compiler -o add.wasm add.c");
  assert_quiet (&outcome);
  assert_module (self, "add.wasm");
}

static void
test_tvmjs (Fixture       *self,
            gconstpointer  data)
{
  g_autoptr (JsonNode) root = NULL;
  g_auto (Outcome) outcome = OUTCOME_INIT;

  if (!have_emcc ())
    return;

  write_file (self, "needy.c", NEEDY);
  write_file (self, "g.c", "int g (void) { return 1; }\n");

  run (self, &outcome, "wasm --tvmjs -o f.wasm needy.c");
  g_assert_cmpint (outcome.status, ==, 1);
  assert_contains (outcome.err, "wasm_runtime.bc");
  assert_contains (outcome.err, "TVM_HOME is not set");

  run (self, &outcome, "wasm --json --tvmjs --no-runtime -o f.wasm needy.c");
  g_assert_cmpint (outcome.status, ==, 1);
  root = parse_json (outcome.out);
  g_assert_false (json_object_get_boolean_member (json_node_get_object (root), "successful"));
  assert_contains (outcome.out, "undefined symbol: g");
  g_assert_cmpstr (outcome.err, ==, "");
  g_assert_false (exists (self, "f.wasm"));

  run (self, &outcome, "wasm --tvmjs --no-runtime --lib g.c -o f.wasm needy.c");
  assert_quiet (&outcome);
  assert_module (self, "f.wasm");

  run (self, &outcome, "wasm --tvmjs -r g.c -o f.wasm needy.c");
  assert_quiet (&outcome);
  assert_module (self, "f.wasm");
}

#define add(path, func) g_test_add (path, Fixture, NULL, set_up, func, tear_down)

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_unsetenv ("TVM_HOME");
  g_unsetenv ("TVM_LIBRARY_PATH");

  add ("/tool-wasm/module", test_module);
  add ("/tool-wasm/clang", test_clang);
  add ("/tool-wasm/tvmjs", test_tvmjs);

  return g_test_run ();
}
