/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "tvmsupport/toolchain/tvm-compiler.h"

/*
 * What the tests of the compiler share: a folder to work in, and a TMPDIR of the test's own. In the end
 * nothing may be left: no child, no descriptor, nothing in the TMPDIR, no staged output.
 */
typedef struct
{
  char *folder;
  char *tmpdir;
  guint n_fds;
  TvmCompiler *compiler;
} CompileFixture;

void               compile_fixture_set_up    (CompileFixture      *self,
                                              gconstpointer        data);
void               compile_fixture_tear_down (CompileFixture      *self,
                                              gconstpointer        data);

/* Returns: (transfer full): the path of a file in the folder */
char              *compile_fixture_path      (CompileFixture      *self,
                                              const char          *name);
/* Writes a file into the folder. Returns: (transfer full): its path */
char              *compile_fixture_write     (CompileFixture      *self,
                                              const char          *name,
                                              const char          *text);
/* A request for one input, with an output in the folder; @output may be NULL */
TvmCompileRequest *compile_fixture_request   (CompileFixture      *self,
                                              TvmCompileKind       kind,
                                              const char          *input,
                                              const char          *output);
/* Compiles, and asserts that there is a result */
TvmCompileResult  *compile_fixture_compile   (CompileFixture      *self,
                                              TvmCompileRequest   *request);
/* Runs a program and returns what it printed. Returns: (transfer full) */
char              *compile_fixture_run       (const char          *program,
                                              ...) G_GNUC_NULL_TERMINATED;
void               compile_fixture_assert_ok (TvmCompileResult    *result);
gboolean           compile_fixture_exists    (CompileFixture      *self,
                                              const char          *name);
guint              compile_fixture_count     (const char          *folder);

/* Skips the test, visibly, if a tool is missing. */
gboolean           compile_fixture_have      (const char          *tool);

/* For calls whose result comes to the default context */
void               compile_fixture_ready     (GObject             *source,
                                              GAsyncResult        *result,
                                              gpointer             user_data);
GAsyncResult      *compile_fixture_wait      (GAsyncResult       **result);

#define compile_fixture_add(path, func) \
  g_test_add (path, CompileFixture, NULL, compile_fixture_set_up, func, compile_fixture_tear_down)

/* A C++ source that the compiler never gets to the end of */
#define ENDLESS_CXX                                                                                \
  "constexpr int f (unsigned long n)\n"                                                            \
  "{ int r = 0; for (unsigned long i = 0; i < n; i++) r ^= i; return r; }\n"                       \
  "constexpr int x = f (~0ul);\nint main () { return x; }\n"
#define ENDLESS_OPTIONS                                                                            \
  { "-std=c++17", "-fconstexpr-ops-limit=9223372036854775807",                                     \
    "-fconstexpr-loop-limit=2147483647", NULL }
