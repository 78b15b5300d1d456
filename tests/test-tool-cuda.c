/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tool-fixture.h"

#include <glib/gstdio.h>
#include <string.h>

/* `tvmsupport cuda` with the CUDA of this machine, which needs no GPU */

#define KERNEL "extern \"C\" __global__ void one (float *a) { a[threadIdx.x] = 1.0f; }\n"
#define BROKEN "extern \"C\" __global__ void f (int *a)\n{\n  a[0] = missing;\n}\n"
#define TEMPLATE                                                                                \
  "template <typename T> __global__ void add (T *a, const T *b) { a[threadIdx.x] += b[0]; }\n"

static gboolean
have_nvcc (void)
{
  g_autofree char *nvcc = g_find_program_in_path ("nvcc");

  if (nvcc == NULL && !g_file_test ("/usr/local/cuda/bin/nvcc", G_FILE_TEST_IS_EXECUTABLE))
    {
      g_test_skip ("nvcc is not installed");
      return FALSE;
    }
  return TRUE;
}

static gboolean
have_nvrtc (void)
{
  static const char * const folders[] = { "lib64", "targets/x86_64-linux/lib",
                                          "targets/sbsa-linux/lib" };

  for (gsize i = 0; i < G_N_ELEMENTS (folders); i++)
    {
      g_autofree char *path = g_build_filename ("/usr/local/cuda", folders[i], "libnvrtc.so", NULL);
      g_autofree char *versioned = g_strconcat (path, ".13", NULL);

      if (g_file_test (path, G_FILE_TEST_EXISTS) || g_file_test (versioned, G_FILE_TEST_EXISTS))
        return TRUE;
    }

  g_test_skip ("NVRTC is not installed");
  return FALSE;
}

static gboolean
begins_with (Fixture    *self,
             const char *name,
             const char *magic,
             gsize       size)
{
  g_autofree char *path = g_build_filename (self->folder, name, NULL);
  g_autofree char *contents = NULL;
  gsize length = 0;

  g_assert_true (g_file_get_contents (path, &contents, &length, NULL));
  g_assert_cmpint (g_unlink (path), ==, 0);
  return length > size && memcmp (contents, magic, size) == 0;
}

static void
test_formats (Fixture       *self,
              gconstpointer  data)
{
  static const struct { const char *words; const char *magic; gsize size; } formats[] = {
    { "cuda -f ptx -a 9.0 -o out one.cu", "//", 2 },
    { "cuda -f cubin -a sm_90a -o out one.cu", "\177ELF", 4 },
    { "cuda -f fatbin -a sm_80,compute_90 -o out one.cu", "\x50\xed\x55\xba", 4 },
    { "cuda -a sm_90 -o out one.cu", "\x50\xed\x55\xba", 4 },
    { "cuda -f lto-ir -a sm_90 -o out one.cu", "\xed\x43\x4e\x7f", 4 },
    { "cuda -f object -a sm_90 -o out one.cu -- -O1", "\177ELF", 4 },
    { "cuda -f shared -o out one.cu -- -arch=sm_90", "\177ELF", 4 },
  };

  if (!have_nvcc ())
    return;

  write_file (self, "one.cu", KERNEL);
  for (gsize i = 0; i < G_N_ELEMENTS (formats); i++)
    {
      g_auto (Outcome) outcome = OUTCOME_INIT;

      run (self, &outcome, formats[i].words);
      assert_quiet (&outcome);
      g_assert_true (begins_with (self, "out", formats[i].magic, formats[i].size));
    }
}

static void
test_stdin (Fixture       *self,
            gconstpointer  data)
{
  const char *name = data;
  g_autofree char *words = g_strdup_printf ("cuda -c %s -f ptx -a sm_90", name);
  g_autofree char *dashes = g_strdup_printf ("cuda -c %s -f ptx -a sm_90 -o - -", name);
  g_autoptr (GBytes) source = g_bytes_new_static (KERNEL, strlen (KERNEL));
  g_autoptr (GBytes) broken = g_bytes_new_static (BROKEN, strlen (BROKEN));
  g_autoptr (GBytes) empty = g_bytes_new_static ("", 0);
  g_autoptr (GBytes) zeros = g_bytes_new_static ("int a;\0int b;", 13);
  g_auto (Outcome) outcome = OUTCOME_INIT;

  if (g_str_equal (name, "nvcc") ? !have_nvcc () : !have_nvrtc ())
    return;

  run_with_input (self, &outcome, source, words);
  assert_quiet (&outcome);
  assert_contains (outcome.out, ".entry one");
  run_with_input (self, &outcome, source, dashes);
  assert_quiet (&outcome);
  assert_contains (outcome.out, ".target sm_90");

  run_with_input (self, &outcome, broken, words);
  g_assert_cmpint (outcome.status, ==, 1);
  g_assert_cmpstr (outcome.out, ==, "");
  assert_contains (outcome.err, "stdin.cu(3): error: identifier \"missing\" is undefined");
  g_assert_true (g_str_has_suffix (outcome.err, "tvmsupport: Nothing was made: 1 error\n"));

  /* A source without anything in it is one: code without kernels. */
  run_with_input (self, &outcome, empty, words);
  assert_quiet (&outcome);
  assert_contains (outcome.out, ".target sm_90");

  run_with_input (self, &outcome, zeros, words);
  g_assert_cmpint (outcome.status, ==, 1);
  g_assert_cmpstr (outcome.err, ==,
                   "tvmsupport: The standard input is no source: it has a zero byte\n");
}

static void
test_json (Fixture       *self,
           gconstpointer  data)
{
  static const char * const cache[] = { "miss", "hit" };

  if (!have_nvrtc ())
    return;

  g_setenv ("XDG_CACHE_HOME", g_get_user_cache_dir (), TRUE);
  write_file (self, "add.cu", TEMPLATE);
  for (gsize i = 0; i < G_N_ELEMENTS (cache); i++)
    {
      g_auto (Outcome) outcome = OUTCOME_INIT;
      g_autoptr (JsonNode) root = NULL;
      JsonObject *object;
      JsonObject *names;

      run (self, &outcome, "cuda -c nvrtc -a sm_90 -e add<float> --name-expression=add<double> "
                           "--json -o add.cubin add.cu");
      assert_quiet (&outcome);
      root = parse_json (outcome.out);
      object = json_node_get_object (root);
      names = json_object_get_object_member (object, "lowered_names");
      g_assert_true (json_object_get_boolean_member (object, "successful"));
      g_test_message ("%s", outcome.out);
      g_assert_cmpstr (json_object_get_string_member (object, "cache"), ==, cache[i]);
      g_assert_cmpuint (json_object_get_size (names), ==, 2);
      g_assert_cmpstr (json_object_get_string_member (names, "add<float>"), ==,
                       "_Z3addIfEvPT_PKS0_");
      g_assert_cmpstr (json_object_get_string_member (names, "add<double>"), ==,
                       "_Z3addIdEvPT_PKS0_");
      g_assert_true (begins_with (self, "add.cubin", "\177ELF", 4));
    }
}

static void
test_json_broken (Fixture       *self,
                  gconstpointer  data)
{
  g_auto (Outcome) outcome = OUTCOME_INIT;
  g_autoptr (JsonNode) root = NULL;
  JsonArray *diagnostics;
  JsonObject *diagnostic;

  if (!have_nvcc ())
    return;

  write_file (self, "broken.cu", BROKEN);
  run (self, &outcome, "cuda -f cubin -a sm_90 --json -o broken.cubin broken.cu");
  g_assert_cmpint (outcome.status, ==, 1);
  g_assert_cmpstr (outcome.err, ==, "");
  g_assert_false (exists (self, "broken.cubin"));
  root = parse_json (outcome.out);
  diagnostics = json_object_get_array_member (json_node_get_object (root), "diagnostics");
  g_assert_cmpuint (json_array_get_length (diagnostics), ==, 1);
  diagnostic = json_array_get_object_element (diagnostics, 0);
  g_assert_cmpstr (json_object_get_string_member (diagnostic, "file"), ==, "broken.cu");
  g_assert_cmpint (json_object_get_int_member (diagnostic, "line"), ==, 3);

  run (self, &outcome, "cuda -a sm_1 --json -o broken.cubin missing.cu");
  g_assert_cmpint (outcome.status, ==, 1);
  g_assert_cmpstr (outcome.err, ==, "");
  assert_contains (outcome.out, "\"successful\" : false");
}

static const struct
{
  const char *words;
  const char *err;
} failures[] = {
  { "cuda -a banana one.cu",
    "tvmsupport: “banana” is no CUDA architecture, such as “9.0” or “sm_90a”\n" },
  { "cuda -c nvrtc -a sm_12345 one.cu",
    "tvmsupport: “sm_12345” is no CUDA architecture, such as “9.0” or “sm_90a”\n" },
  { "cuda -a sm_77 one.cu",
    "nvcc fatal   : Unsupported gpu architecture 'sm_77'\n"
    "tvmsupport: Nothing was made: 1 error\n" },
  { "cuda -c nvrtc -a sm_80,sm_90 one.cu",
    "tvmsupport: NVRTC compiles for one architecture, not for “sm_80,sm_90”\n" },
  { "cuda -f cubin -a sm_80,sm_90 one.cu",
    "tvmsupport: PTX, cubins and LTO-IR are for one architecture, not for “sm_80,sm_90”; make a "
    "fatbin\n" },
  { "cuda -f cubin -a sm_80 one.cu -- -arch=sm_90",
    "tvmsupport: The option “-arch=sm_90” contradicts the architecture “sm_80” of the request\n" },
};

static void
test_failures (Fixture       *self,
               gconstpointer  data)
{
  g_auto (Outcome) outcome = OUTCOME_INIT;

  if (!have_nvcc () || !have_nvrtc ())
    return;

  write_file (self, "one.cu", KERNEL);
  for (gsize i = 0; i < G_N_ELEMENTS (failures); i++)
    {
      run (self, &outcome, failures[i].words);
      g_assert_cmpint (outcome.status, ==, 1);
      g_assert_cmpstr (outcome.out, ==, "");
      g_assert_cmpstr (outcome.err, ==, failures[i].err);
    }

  run (self, &outcome, "cuda -a sm_90 missing.cu");
  g_assert_cmpint (outcome.status, ==, 1);
  assert_contains (outcome.err, "missing.cu” cannot be read: No such file or directory\n");
}

/* What nvcc reads by itself may be nonsense; it then says so. */
static void
test_environment (Fixture       *self,
                  gconstpointer  data)
{
  g_auto (Outcome) outcome = OUTCOME_INIT;

  if (!have_nvcc ())
    return;

  write_file (self, "one.cu", KERNEL);
  g_setenv ("NVCC_APPEND_FLAGS", "--nonsense", TRUE);
  run (self, &outcome, "cuda -f ptx -a sm_90 -o one.ptx one.cu");
  g_unsetenv ("NVCC_APPEND_FLAGS");
  g_assert_cmpint (outcome.status, ==, 1);
  g_assert_cmpstr (outcome.out, ==, "");
  g_assert_cmpstr (outcome.err, ==,
                   "nvcc fatal   : Unknown option '--nonsense'\n"
                   "tvmsupport: “one.ptx” was not made: 1 error\n");
  g_assert_false (exists (self, "one.ptx"));

  g_setenv ("TVM_CUDA_COMPILE_MODE", "clang", TRUE);
  run (self, &outcome, "cuda -f ptx -a sm_90 -o one.ptx one.cu");
  g_unsetenv ("TVM_CUDA_COMPILE_MODE");
  g_assert_cmpint (outcome.status, ==, 2);
  assert_contains (outcome.err, "“clang”, which TVM_CUDA_COMPILE_MODE says, is no compiler");
}

#define add(path, data, func) g_test_add (path, Fixture, data, set_up, func, tear_down)

int
main (int    argc,
      char **argv)
{
  /* The cache is that of the test. */
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_unsetenv ("TVM_CUDA_COMPILE_MODE");
  g_unsetenv ("TVM_SUPPORT_KERNEL_CACHE");
  g_unsetenv ("NVCC_APPEND_FLAGS");
  g_unsetenv ("NVCC_PREPEND_FLAGS");

  add ("/tool-cuda/formats", NULL, test_formats);
  add ("/tool-cuda/stdin/nvcc", "nvcc", test_stdin);
  add ("/tool-cuda/stdin/nvrtc", "nvrtc", test_stdin);
  add ("/tool-cuda/json", NULL, test_json);
  add ("/tool-cuda/json/broken", NULL, test_json_broken);
  add ("/tool-cuda/failures", NULL, test_failures);
  add ("/tool-cuda/environment", NULL, test_environment);

  return g_test_run ();
}
