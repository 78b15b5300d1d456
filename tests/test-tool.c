/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tool-fixture.h"

#include "tvmsupport/files/tvm-rmtree.h"
#include "tvmsupport/toolchain/tvm-kernel-cache.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char add_source[] = "int add (int a, int b) { return a + b; }\n";
static const char main_source[] = "int add (int, int);\n"
                                  "int main (void) { return add (40, 2) == ANSWER ? 0 : 3; }\n";
static const char broken_source[] = "int f (void)\n{\n  return gone;\n}\n";

static void
test_help (Fixture       *self,
           gconstpointer  data)
{
  static const char * const commands[] = { "cc", "cuda", "wasm", "symbols", "run", "map", "cache", "describe" };
  g_auto (Outcome) outcome = OUTCOME_INIT;

  run (self, &outcome, "--version");
  assert_quiet (&outcome);
  g_assert_cmpstr (outcome.out, ==, "tvmsupport " PACKAGE_VERSION "\n");

  run (self, &outcome, "help help");
  assert_quiet (&outcome);
  assert_contains (outcome.out, "symbols");

  run (self, &outcome, "--help");
  assert_quiet (&outcome);
  for (gsize i = 0; i < G_N_ELEMENTS (commands); i++)
    {
      g_autofree char *help = g_strdup_printf ("help %s", commands[i]);
      g_autofree char *option = g_strdup_printf ("%s --help", commands[i]);
      g_autofree char *usage = g_strdup_printf ("  tvmsupport %s [OPTION…]", commands[i]);
      g_auto (Outcome) other = OUTCOME_INIT;

      assert_contains (outcome.out, commands[i]);
      run (self, &other, help);
      assert_quiet (&other);
      assert_contains (other.out, usage);
      g_free (g_steal_pointer (&help));
      help = g_strdup (other.out);
      run (self, &other, option);
      assert_quiet (&other);
      g_assert_cmpstr (other.out, ==, help);
    }
}

static const struct
{
  const char *words;
  const char *message;
} misuses[] = {
  { "", "Usage:" },
  { "nonsense", "“nonsense”" },
  { "--nonsense", "“--nonsense”" },
  { "help nonsense", "“nonsense”" },
  { "cache nonsense", "“nonsense”" },
  { "cache stats clear", "“clear”" },
  { "cache trim", "--size" },
  { "cache trim --size x", "“x”" },
  { "cache clear --json", "--json" },
  { "describe nonsense", "“nonsense”" },
  { "describe --nonsense", "--nonsense" },
  { "symbols", "No file" },
  { "symbols --nonsense", "--nonsense" },
  { "cc", "-o" },
  { "cc a.c", "-o" },
  { "cc -o a", "No input" },
  { "cc -o", "-o" },
  { "cc --nonsense", "--nonsense" },
  { "cc -o a -Wall a.c", "-W" },
  { "cc --kind nonsense -o a a.c", "“nonsense”" },
  { "cc -j many -o a a.c", "many" },
  { "cc -k object -o a add.c -- main.cc", "“main.cc”" },
  { "cc -k static -o a add.c -- -O2 main.cc", "“main.cc”" },
  { "cc -jmany -o a a.c", "many" },
  { "cc -j -3 -o a a.c", "-3" },
  { "cc --timeout -1 -o a a.c", "-1" },
  { "cc --timeout soon -o a a.c", "soon" },
  { "cc --memory-limit 3X -o a a.c", "“3X”" },
  { "cc --memory-limit 99999999999T -o a a.c", "“99999999999T”" },
  { "cc -o - a.c", "“-”" },
  { "cc -k llvm-ir -o a a.c", "“llvm-ir” is no kind; there are object, shared" },
  { "cc -k cubin -o a a.cu", "“cubin” is no kind; there are object, shared" },
  { "cuda -f exe a.cu", "“exe” is no format; there are ptx, cubin, fatbin, lto-ir, object and" },
  { "cuda -f llvm-ir a.cu", "“llvm-ir” is no format" },
  { "cuda --compiler gcc a.cu", "“gcc” is no compiler; there are nvcc and nvrtc" },
  { "cuda -c nvrtc -f shared a.cu", "nvrtc does not make “shared”" },
  { "cuda -e f a.cu", "--name-expression is for nvrtc" },
  { "cuda --json a.cu", "-o" },
  { "cuda --json -o - a.cu", "-o" },
  { "cuda -a sm_90 a.cu b.cu", "“b.cu” is one input too many" },
  { "cuda -t -1 a.cu", "-1" },
  { "wasm a.c", "-o" },
  { "wasm -o a", "No input" },
  { "wasm -o - a.c", "“-”" },
  { "wasm -j -3 -o a a.c", "-3" },
  { "wasm -o a --lib b.o a.c", "--tvmjs" },
  { "wasm -o a --tvmjs --runtime b.o --no-runtime a.c", "--no-runtime" },
  { "cc --cc gcc --target x86_64-linux-gnu -o a a.c", "--target" },
};

static void
test_misuse (Fixture       *self,
             gconstpointer  data)
{
  for (gsize i = 0; i < G_N_ELEMENTS (misuses); i++)
    {
      g_auto (Outcome) outcome = OUTCOME_INIT;

      run (self, &outcome, misuses[i].words);
      g_assert_cmpint (outcome.status, ==, 2);
      g_assert_cmpstr (outcome.out, ==, "");
      assert_contains (outcome.err, misuses[i].message);
      if (*misuses[i].words != '\0')
        g_assert_true (g_str_has_prefix (outcome.err, "tvmsupport: "));
    }
}

static void
test_kinds (Fixture       *self,
            gconstpointer  data)
{
  g_auto (Outcome) outcome = OUTCOME_INIT;

  write_file (self, "add.c", add_source);
  write_file (self, "main.c", main_source);

  run (self, &outcome, "cc --kind object -o add.o add.c -- -O1");
  assert_quiet (&outcome);
  run (self, &outcome, "cc --kind static -o libadd.a add.o");
  assert_quiet (&outcome);
  run (self, &outcome, "cc -k shared -o libadd.so add.c");
  assert_quiet (&outcome);
  g_assert_true (exists (self, "libadd.so"));

  /* A static library that comes before what needs it would not be looked into. */
  run (self, &outcome, "cc -o main main.c -- -DANSWER=42 -L . -l add -Wl,-Bstatic -ladd "
                       "-Wl,-Bdynamic -g");
  assert_quiet (&outcome);
  run (self, &outcome, "cc -j 2 --timeout 25 -m 4G -o main add.c main.c -- -DANSWER=42");
  assert_quiet (&outcome);
  g_assert_cmpstr (outcome.out, ==, "");

  {
    g_autofree char *program = g_build_filename (self->folder, "main", NULL);
    g_autoptr (GError) error = NULL;
    g_autoptr (GSubprocess) process = g_subprocess_new (G_SUBPROCESS_FLAGS_NONE, &error, program,
                                                        NULL);

    g_assert_no_error (error);
    g_subprocess_wait_check (process, NULL, &error);
    g_assert_no_error (error);
  }
}

/* The value of a short option may be glued to it. */
static void
test_glued (Fixture       *self,
            gconstpointer  data)
{
  g_autofree char *words = g_strdup_printf ("cc -C%s -kobject -od.o add.c", self->folder);
  g_auto (Outcome) outcome = OUTCOME_INIT;

  write_file (self, "add.c", add_source);
  run (self, &outcome, "cc -j2 -k object -o a.o add.c");
  assert_quiet (&outcome);
  run (self, &outcome, "cc -t25 -m4G -kobject -ob.o add.c -- -O1 -I . -D X");
  assert_quiet (&outcome);
  g_assert_true (exists (self, "b.o"));
  run (self, &outcome, words);
  assert_quiet (&outcome);
  g_assert_true (exists (self, "d.o"));

  /* 0 is no limit. */
  run (self, &outcome, "cc -j0 -t 0 --memory-limit=0 -k object -o a.o add.c");
  assert_quiet (&outcome);

  /* A value is one, also if it looks like an option. */
  run (self, &outcome, "cc --kind object --output -j2 add.c");
  assert_quiet (&outcome);
  g_assert_true (exists (self, "-j2"));
}

static void
test_directory (Fixture       *self,
                gconstpointer  data)
{
  g_autofree char *words = g_strdup_printf ("cc -C %s --kind object -o add.o add.c", self->folder);
  g_autofree char *elsewhere = g_strdup ("cc --cwd /nonexistent --kind object -o add.o add.c");
  g_auto (Outcome) outcome = OUTCOME_INIT;

  write_file (self, "add.c", add_source);
  run (self, &outcome, words);
  assert_quiet (&outcome);
  g_assert_true (exists (self, "add.o"));

  run (self, &outcome, elsewhere);
  g_assert_cmpint (outcome.status, ==, 1);
}

static void
test_compilers (Fixture       *self,
                gconstpointer  data)
{
  g_auto (Outcome) outcome = OUTCOME_INIT;

  write_file (self, "add.c", add_source);
  run (self, &outcome, "cc --cc gcc --kind object -o add.o add.c");
  assert_quiet (&outcome);

  run (self, &outcome, "cc --cc no-such-compiler --kind object -o none.o add.c");
  g_assert_cmpint (outcome.status, ==, 1);
  assert_contains (outcome.err, "no-such-compiler");
  g_assert_false (exists (self, "none.o"));

  run (self, &outcome, "cc --target no-such-target --kind object -o none.o add.c");
  g_assert_cmpint (outcome.status, ==, 1);
  assert_contains (outcome.err, "no-such-target");
}

static void
test_broken (Fixture       *self,
             gconstpointer  data)
{
  g_auto (Outcome) outcome = OUTCOME_INIT;

  write_file (self, "broken.c", broken_source);
  write_file (self, "out", "what was there\n");
  run (self, &outcome, "cc -o out broken.c");
  g_assert_cmpint (outcome.status, ==, 1);
  g_assert_cmpstr (outcome.out, ==, "");
  assert_contains (outcome.err, "broken.c:3:10: error: ");
  assert_contains (outcome.err, "tvmsupport: “out” was not made: 1 error\n");
  g_assert_null (strstr (outcome.err, "\033"));
  g_assert_null (strstr (outcome.err, "[1/"));
  g_assert_true (exists (self, "out"));

  run (self, &outcome, "cc -o out missing.c");
  g_assert_cmpint (outcome.status, ==, 1);
  assert_contains (outcome.err, "missing.c");

  run (self, &outcome, "cc -o nowhere/out broken.c");
  g_assert_cmpint (outcome.status, ==, 1);
  assert_contains (outcome.err, "nowhere");
}

/* A compiler that never ends: it reads a FIFO that nobody writes to. */
static void
test_timeout (Fixture       *self,
              gconstpointer  data)
{
  g_autofree char *fifo = g_build_filename (self->folder, "never.h", NULL);
  g_auto (Outcome) outcome = OUTCOME_INIT;

  g_assert_cmpint (mkfifo (fifo, 0600), ==, 0);
  write_file (self, "never.c", "#include \"never.h\"\n");
  run (self, &outcome, "cc --timeout 0.2 -o out never.c");
  g_assert_cmpint (outcome.status, ==, 1);
  g_assert_true (g_str_has_prefix (outcome.err, "tvmsupport: "));
  g_assert_false (exists (self, "out"));
}

/* It failed, which the JSON tells, and nothing else. */
static JsonNode *
assert_json_error (const Outcome *outcome,
                   const char    *part)
{
  g_autoptr (JsonNode) root = parse_json (outcome->out);
  JsonObject *object = json_node_get_object (root);

  g_assert_cmpint (outcome->status, ==, 1);
  g_assert_cmpstr (outcome->err, ==, "");
  g_assert_false (json_object_get_boolean_member (object, "successful"));
  assert_contains (json_object_get_string_member (object, "error"), part);
  return g_steal_pointer (&root);
}

static void
test_json_error (Fixture       *self,
                 gconstpointer  data)
{
  static const struct
  {
    const char *words;
    const char *part;
  } failures[] = {
    { "cc --json -o out missing.c", "missing.c" },
    { "cc --json --cc no-such-compiler -o out add.c", "no-such-compiler" },
    { "cc --json --target no-such-target -o out add.c", "no-such-target" },
    { "symbols --json nope", "nope" },
    { "symbols --json nope add.c", "add.c" },
  };

  write_file (self, "add.c", add_source);
  for (gsize i = 0; i < G_N_ELEMENTS (failures); i++)
    {
      g_auto (Outcome) outcome = OUTCOME_INIT;
      g_autoptr (JsonNode) root = NULL;

      run (self, &outcome, failures[i].words);
      root = assert_json_error (&outcome, failures[i].part);
    }
}

static void
test_json (Fixture       *self,
           gconstpointer  data)
{
  g_auto (Outcome) outcome = OUTCOME_INIT;
  g_autoptr (JsonNode) good = NULL;
  g_autoptr (JsonNode) bad = NULL;
  JsonArray *diagnostics = NULL;
  JsonObject *first = NULL;

  write_file (self, "add.c", add_source);
  write_file (self, "broken.c", broken_source);

  run (self, &outcome, "cc --json --kind shared -o libadd.so add.c");
  assert_quiet (&outcome);
  good = parse_json (outcome.out);
  g_assert_true (json_object_get_boolean_member (json_node_get_object (good), "successful"));

  run (self, &outcome, "cc --json -o out add.c broken.c");
  bad = assert_json_error (&outcome, "broken.c");
  diagnostics = json_object_get_array_member (json_node_get_object (bad), "diagnostics");
  g_assert_cmpuint (json_array_get_length (diagnostics), >=, 1);
  first = json_array_get_object_element (diagnostics, 0);
  g_assert_cmpint (json_object_get_int_member (first, "line"), ==, 3);
  g_assert_cmpstr (json_object_get_string_member (first, "severity"), ==, "error");
}

static void
test_compile_commands (Fixture       *self,
                       gconstpointer  data)
{
  g_auto (Outcome) outcome = OUTCOME_INIT;
  g_autofree char *path = g_build_filename (self->folder, "commands.json", NULL);
  g_autofree char *text = NULL;
  g_autoptr (JsonNode) root = NULL;

  write_file (self, "add.c", add_source);
  write_file (self, "broken.c", broken_source);
  run (self, &outcome, "cc --compile-commands commands.json -o out add.c broken.c");
  g_assert_cmpint (outcome.status, ==, 1);
  run (self, &outcome, "cc --compile-commands commands.json --kind object -o add.o add.c");
  assert_quiet (&outcome);
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  root = json_from_string (text, NULL);
  g_assert_cmpuint (json_array_get_length (json_node_get_array (root)), ==, 3);

  write_file (self, "commands.json", "nonsense");
  run (self, &outcome, "cc --compile-commands commands.json --kind object -o add.o add.c");
  g_assert_cmpint (outcome.status, ==, 1);
  assert_contains (outcome.err, "commands.json");
}

static void
test_symbols (Fixture       *self,
              gconstpointer  data)
{
  g_auto (Outcome) outcome = OUTCOME_INIT;
  g_autoptr (JsonNode) root = NULL;
  JsonObject *symbols = NULL;

  write_file (self, "add.c", add_source);
  write_file (self, "text", "nothing to see here\n");
  run (self, &outcome, "cc --kind object -o add.o add.c");
  assert_quiet (&outcome);

  run (self, &outcome, "symbols add.o");
  assert_quiet (&outcome);
  g_assert_cmpstr (outcome.out, ==, "T add\n");
  run (self, &outcome, "symbols --nm nm add.o");
  assert_quiet (&outcome);
  g_assert_cmpstr (outcome.out, ==, "T add\n");

  run (self, &outcome, "symbols --json add.o");
  assert_quiet (&outcome);
  root = parse_json (outcome.out);
  symbols = json_object_get_object_member (json_node_get_object (root), "add.o");
  g_assert_cmpstr (json_object_get_string_member (symbols, "add"), ==, "T");

  /* What cannot be read does not hide the rest. */
  run (self, &outcome, "symbols missing.o add.o text");
  g_assert_cmpint (outcome.status, ==, 1);
  g_assert_cmpstr (outcome.out, ==, "add.o:\nT add\n");
  assert_contains (outcome.err, "missing.o");
  assert_contains (outcome.err, "text");
}

static gint64
get_cache_number (Fixture    *self,
                  const char *name)
{
  g_auto (Outcome) outcome = OUTCOME_INIT;
  g_autoptr (JsonNode) node = NULL;

  run (self, &outcome, "cache stats --json -d kernels");
  assert_quiet (&outcome);
  node = parse_json (outcome.out);
  g_assert_true (json_object_has_member (json_node_get_object (node), name));
  return json_object_get_int_member (json_node_get_object (node), name);
}

static void
test_cache (Fixture       *self,
            gconstpointer  data)
{
  g_autofree char *directory = g_build_filename (self->folder, "kernels", NULL);
  g_autoptr (TvmKernelCache) cache = tvm_kernel_cache_new (directory);
  g_autoptr (GBytes) bytes = g_bytes_new_static ("kernel", 6);
  g_auto (Outcome) outcome = OUTCOME_INIT;
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (get_cache_number (self, "entries"), ==, 0);
  for (guint i = 0; i < 3; i++)
    {
      g_autofree char *key = g_strdup_printf ("%u", i);

      g_assert_true (tvm_kernel_cache_store (cache, key, bytes, NULL, &error));
    }
  g_assert_cmpint (get_cache_number (self, "entries"), ==, 3);
  g_assert_cmpint (get_cache_number (self, "size"), ==, tvm_kernel_cache_get_size (cache));
  g_assert_cmpint (get_cache_number (self, "maximum_size"), ==, 1 << 30);
  g_assert_cmpint (get_cache_number (self, "hits"), ==, 0);
  run (self, &outcome, "cache -d kernels");
  assert_quiet (&outcome);
  assert_contains (outcome.out, directory);
  assert_contains (outcome.out, "GiB");
  run (self, &outcome, "cache trim -d kernels --size 130");
  assert_quiet (&outcome);
  g_assert_cmpint (get_cache_number (self, "entries"), ==, 2);
  run (self, &outcome, "cache clear --directory=kernels");
  assert_quiet (&outcome);
  g_assert_cmpint (get_cache_number (self, "entries"), ==, 0);

  g_assert_cmpint (g_chmod (directory, 0777), ==, 0);
  run (self, &outcome, "cache -d kernels");
  g_assert_cmpint (outcome.status, ==, 1);
  assert_contains (outcome.err, "tvmsupport: ");
  g_assert_cmpint (tvm_rmtree_at (AT_FDCWD, directory, NULL), ==, 0);
}

static void
test_describe (Fixture       *self,
               gconstpointer  data)
{
  g_auto (Outcome) outcome = OUTCOME_INIT;

  run (self, &outcome, "describe");
  assert_quiet (&outcome);
  assert_contains (outcome.out, PACKAGE_VERSION);
  g_assert_true (g_str_has_suffix (outcome.out, "\n"));
}

/* Returns: (transfer full): what describe prints on a machine whose CUDA driver is ours */
static char *
describe_machine (Fixture    *self,
                  const char *driver_mode,
                  const char *ndk,
                  const char *path)
{
  g_autofree char *driver = g_test_build_filename (G_TEST_BUILT, "fake-cuda-driver.so", NULL);
  g_autofree char *link = g_build_filename (self->folder, "libcuda.so.1", NULL);
  g_autofree char *libraries = NULL;
  g_autofree char *out = NULL;
  g_autoptr (GSubprocessLauncher) launcher =
    new_launcher (self, G_SUBPROCESS_FLAGS_STDOUT_PIPE);
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (GError) error = NULL;

  if (!g_file_test (link, G_FILE_TEST_EXISTS))
    g_assert_cmpint (symlink (driver, link), ==, 0);
  libraries = g_strconcat (self->folder, ":", g_getenv ("LD_LIBRARY_PATH"), NULL);
  g_subprocess_launcher_setenv (launcher, "LD_LIBRARY_PATH", libraries, TRUE);
  g_subprocess_launcher_setenv (launcher, "TVM_TEST_CUDA_DRIVER", driver_mode, TRUE);
  g_subprocess_launcher_setenv (launcher, "PATH", path, TRUE);
  if (ndk != NULL)
    g_subprocess_launcher_setenv (launcher, "TVM_NDK_CC", ndk, TRUE);
  else
    g_subprocess_launcher_unsetenv (launcher, "TVM_NDK_CC");

  process = g_subprocess_launcher_spawn (launcher, &error, g_getenv ("TVM_TEST_TOOL"), "describe",
                                         NULL);
  g_assert_no_error (error);
  g_assert_true (g_subprocess_communicate_utf8 (process, NULL, NULL, &out, NULL, &error));
  g_assert_no_error (error);
  g_assert_true (g_subprocess_get_successful (process));

  return g_steal_pointer (&out);
}

/* What is there is named, and of what is not every place is. */
static void
test_describe_toolchains (Fixture       *self,
                          gconstpointer  data)
{
  g_autofree char *path = g_strconcat (self->folder, ":", g_getenv ("PATH"), NULL);
  g_autofree char *xcrun = g_build_filename (self->folder, "xcrun", NULL);
  g_autofree char *clang = g_build_filename (self->folder, "clang-99", NULL);
  g_autofree char *driver = g_build_filename (self->folder, "libcuda.so.1", NULL);
  g_autofree char *driver_line = g_strdup_printf ("\n  driver for CUDA 12.9: %s\n", driver);
  g_autofree char *xcrun_line = g_strdup_printf ("\nXcode\n  xcrun: %s\n", xcrun);
  g_autofree char *nowhere = g_build_filename (self->folder, "nowhere", NULL);
  g_autofree char *found = NULL;
  g_autofree char *missing = NULL;
  const char *libraries[] = { "NVRTC", "nvJitLink" };

  write_file (self, "xcrun", "#!/bin/sh\n");
  write_file (self, "clang-99", "#!/bin/sh\n");
  g_assert_cmpint (g_chmod (xcrun, 0755), ==, 0);
  g_assert_cmpint (g_chmod (clang, 0755), ==, 0);
  found = describe_machine (self, "sm_90", "cc", path);
  assert_contains (found, driver_line);
  assert_contains (found, xcrun_line);
  assert_contains (found, clang);
  assert_contains (found, "\nAndroid\n  NDK: ");
  g_assert_null (strstr (found, "TVM_NDK_CC"));

  missing = describe_machine (self, "broken", NULL, nowhere);
  assert_contains (missing, "\n  driver: The CUDA driver does not say its version: error 803\n");
  assert_contains (missing, "\n  clang: No clang was found");
  assert_contains (missing, "TVM_NDK_CC");
  assert_contains (missing, "\n  xcrun: Could not find");
  assert_contains (missing, nowhere);

  for (guint i = 0; i < G_N_ELEMENTS (libraries); i++)
    {
      g_autofree char *version = g_strdup_printf ("\n  %s 1", libraries[i]);
      g_autofree char *places = g_strdup_printf ("\n  %s: Could not find %s", libraries[i],
                                                 libraries[i]);

      g_assert_true (strstr (found, version) != NULL || strstr (found, places) != NULL);
    }
}

/* What did not get to its reader did not work. */
static void
test_full (Fixture       *self,
           gconstpointer  data)
{
  g_autoptr (GSubprocessLauncher) launcher = NULL;
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *err = NULL;

  launcher = new_launcher (self, G_SUBPROCESS_FLAGS_STDERR_PIPE);
  g_subprocess_launcher_take_stdout_fd (launcher, open ("/dev/full", O_WRONLY | O_CLOEXEC));
  process = start (launcher, "--help");
  g_subprocess_communicate_utf8 (process, NULL, NULL, NULL, &err, &error);
  g_assert_no_error (error);
  g_assert_cmpint (g_subprocess_get_exit_status (process), ==, 1);
  g_assert_true (g_str_has_prefix (err, "tvmsupport: "));
}

static void
test_progress (Fixture       *self,
               gconstpointer  data)
{
  g_autofree char *colour = NULL;
  g_autofree char *plain = NULL;
  g_autofree char *dumb = NULL;
  g_autofree char *failed = NULL;

  write_file (self, "add.c", add_source);
  write_file (self, "main.c", main_source);
  write_file (self, "broken.c", broken_source);

  colour = run_on_terminal (self, "xterm", NULL, 0, "cc -o out add.c main.c -- -DANSWER=42");
  if (colour == NULL)
    {
      g_test_skip ("There is no pseudo-terminal to be had");
      return;
    }
  assert_contains (colour, "\033[1m[3/3]\033[0m out\033[K");
  g_assert_true (g_str_has_suffix (colour, "\r\033[K"));

  plain = run_on_terminal (self, "xterm", "1", 0, "cc -o out add.c main.c -- -DANSWER=42");
  assert_contains (plain, "\r[3/3] out\033[K");
  g_assert_null (strstr (plain, "\033[1m"));

  dumb = run_on_terminal (self, "dumb", NULL, 0, "cc -o out add.c main.c -- -DANSWER=42");
  g_assert_cmpstr (dumb, ==, "");

  /* The line is gone before anything else is written. */
  failed = run_on_terminal (self, "xterm", NULL, 1, "cc -o out broken.c");
  assert_contains (failed, "\r\033[Kbroken.c:3:10: error: ");
}

/* A signal in the middle of a compile. The compiler opens a FIFO, which tells that it runs; that it
 * has no reader afterwards tells that the compiler does no more. */
static void
test_signal (Fixture       *self,
             gconstpointer  data)
{
  const int signum = GPOINTER_TO_INT (data);
  g_autofree char *fifo = g_build_filename (self->folder, "never.h", NULL);
  g_autoptr (GSubprocessLauncher) launcher = NULL;
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *err = NULL;
  int fd = -1;

  g_assert_cmpint (mkfifo (fifo, 0600), ==, 0);
  write_file (self, "never.c", "#include \"never.h\"\n");
  launcher = new_launcher (self, G_SUBPROCESS_FLAGS_STDERR_PIPE);
  process = start (launcher, "cc -o out never.c");

  fd = open (fifo, O_WRONLY | O_CLOEXEC);
  g_assert_cmpint (fd, >=, 0);
  g_subprocess_send_signal (process, signum);
  g_subprocess_communicate_utf8 (process, NULL, NULL, NULL, &err, &error);
  g_assert_no_error (error);
  g_assert_true (g_subprocess_get_if_exited (process));
  g_assert_cmpint (g_subprocess_get_exit_status (process), ==, 128 + signum);
  g_assert_cmpstr (err, ==, "");

  g_assert_cmpint (write (fd, "x", 1), ==, -1);
  g_assert_cmpint (errno, ==, EPIPE);
  close (fd);
  g_assert_false (exists (self, "out"));
}

static const struct
{
  const char *words;
  const char *expected;
} completions[] = {
  { "tvmsupport cache --si", "--size" },
  { "tvmsupport cache t", "trim" },
  { "tvmsupport --v", "--version" },
  { "tvmsupport llv", "llvm-ir" },
  { "tvmsupport llvm-ir -x ''", "c c++" },
  { "tvmsupport sy", "symbols" },
  { "tvmsupport help desc", "describe" },
  { "tvmsupport cc --kind s", "shared static" },
  { "tvmsupport cc --kind = s", "shared static" },
  { "tvmsupport cc --kind =", "object shared static executable" },
  { "tvmsupport cc --cc = compop", "compopt compopt" },
  { "tvmsupport cc --jobs = ''", "" },
  { "tvmsupport symbols --nm = compop", "compopt compopt" },
  { "tvmsupport cc --compile", "--compile-commands" },
  { "tvmsupport symbols --j", "--json" },
  { "tvmsupport cuda --format = c", "cubin" },
  { "tvmsupport cuda -c ''", "nvcc nvrtc" },
  { "tvmsupport cuda --na", "--name-expression" },
  { "tvmsupport cuda -o x ad", "add.c" },
  { "tvmsupport wasm --no", "--no-runtime" },
  { "tvmsupport wasm --lib ad", "add.c" },
  { "tvmsupport wasm --cc compop", "compopt compopt" },
  { "tvmsupport cc -o out ad", "add.c" },
  { "tvmsupport cc -o out add.c -- ad", "add.c" },
  { "tvmsupport cc -j ''", "" },
  { "tvmsupport run --soft", "--soft-timeout" },
  { "tvmsupport run --cwd = ad", "" },
  { "tvmsupport run -t 5 compop", "compopt compopt" },
  { "tvmsupport run -- compop", "compopt compopt" },
  { "tvmsupport run -t 5 cat ad", "add.c" },
  { "tvmsupport map --keep", "--keep-order" },
  { "tvmsupport clean --dr", "--dry-run" },
  { "tvmsupport lock --non", "--nonblock" },
  { "tvmsupport lock -w 5 ad", "add.c" },
  { "tvmsupport lock -w 5 file compop", "compopt compopt" },
  { "tvmsupport lock file cat ad", "add.c" },
  { "tvmsupport map -j 2 -k cat ad", "add.c" },
};

static void
test_completion (Fixture       *self,
                 gconstpointer  data)
{
  g_autofree char *script = g_build_filename (self->folder, "completion", NULL);
  const char *source = g_getenv ("TVM_TEST_COMPLETION");

  if (source == NULL)
    {
      g_test_skip ("TVM_TEST_COMPLETION does not name the script");
      return;
    }

  write_file (self, "add.c", add_source);
  for (gsize i = 0; i < G_N_ELEMENTS (completions); i++)
    {
      g_autoptr (GSubprocessLauncher) launcher =
        new_launcher (self, G_SUBPROCESS_FLAGS_STDOUT_PIPE);
      g_autofree char *code =
        g_strdup_printf ("compopt () { :; }; . '%s'; COMP_WORDS=(%s); "
                         "COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _tvmsupport; "
                         "echo \"${COMPREPLY[*]}\"", source, completions[i].words);
      g_autoptr (GSubprocess) process = NULL;
      g_autoptr (GError) error = NULL;
      g_autofree char *out = NULL;

      process = g_subprocess_launcher_spawn (launcher, &error, "bash", "-euc", code, NULL);
      g_assert_no_error (error);
      g_subprocess_communicate_utf8 (process, NULL, NULL, &out, NULL, &error);
      g_assert_no_error (error);
      g_assert_cmpstr (g_strchomp (out), ==, completions[i].expected);
      g_assert_cmpint (g_subprocess_get_exit_status (process), ==, 0);
    }
}

#define add(path, data, func) g_test_add (path, Fixture, data, set_up, func, tear_down)

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  signal (SIGPIPE, SIG_IGN);
  /* Also when the tests themselves run under nohup: GSubprocess passes on what is ignored. */
  signal (SIGHUP, SIG_DFL);

  add ("/tool/help", NULL, test_help);
  add ("/tool/misuse", NULL, test_misuse);
  add ("/tool/cc/kinds", NULL, test_kinds);
  add ("/tool/cc/glued", NULL, test_glued);
  add ("/tool/cc/directory", NULL, test_directory);
  add ("/tool/cc/compilers", NULL, test_compilers);
  add ("/tool/cc/broken", NULL, test_broken);
  add ("/tool/cc/timeout", NULL, test_timeout);
  add ("/tool/json-error", NULL, test_json_error);
  add ("/tool/cc/json", NULL, test_json);
  add ("/tool/cc/compile-commands", NULL, test_compile_commands);
  add ("/tool/cc/progress", NULL, test_progress);
  add ("/tool/cc/sighup", GINT_TO_POINTER (SIGHUP), test_signal);
  add ("/tool/cc/sigint", GINT_TO_POINTER (SIGINT), test_signal);
  add ("/tool/cc/sigterm", GINT_TO_POINTER (SIGTERM), test_signal);
  add ("/tool/symbols", NULL, test_symbols);
  add ("/tool/cache", NULL, test_cache);
  add ("/tool/describe", NULL, test_describe);
  add ("/tool/describe/toolchains", NULL, test_describe_toolchains);
  add ("/tool/full", NULL, test_full);
  add ("/tool/completion", NULL, test_completion);

  return g_test_run ();
}
