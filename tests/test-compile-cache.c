/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "compile-fixture.h"

#include "tvmsupport/gpu/tvm-nvcc-compiler.h"
#include "tvmsupport/toolchain/tvm-diagnostic.h"
#include "tvmsupport/toolchain/tvm-kernel-key-private.h"
#include "tvmsupport/toolchain/tvm-toolchain-private.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define SOURCE "#include \"k.h\"\n#warning here\nint f (void) { return VALUE; }\n"

static const char *program;

/* The caches of a test lie in its folder. */
static void
use_cache (CompileFixture *self)
{
  g_autofree char *directory = compile_fixture_path (self, "cache");
  g_autoptr (TvmKernelCache) cache = tvm_kernel_cache_new (directory);

  tvm_compiler_set_cache (self->compiler, cache);
  g_assert_true (tvm_compiler_get_cache (self->compiler) == cache);
}

static TvmCompileResult *
compile (CompileFixture     *self,
         const char         *source,
         const char * const *options)
{
  g_autoptr (TvmCompileRequest) request =
    compile_fixture_request (self, TVM_COMPILE_KIND_OBJECT, source, "out.o");

  tvm_compile_request_set_options (request, options);
  return compile_fixture_compile (self, request);
}

static void
assert_status (TvmCompileResult *result,
               TvmCacheStatus    expected)
{
  const char *reason = tvm_compile_result_get_cache_reason (result);

  compile_fixture_assert_ok (result);
  if (tvm_compile_result_get_cache_status (result) != expected)
    g_error ("status %d, %s", tvm_compile_result_get_cache_status (result), reason);
  g_assert_true ((reason != NULL) == (expected == TVM_CACHE_STATUS_BYPASS));
}

static void
assert_compile (CompileFixture     *self,
                const char         *source,
                const char * const *options,
                TvmCacheStatus      expected)
{
  g_autoptr (TvmCompileResult) result = compile (self, source, options);

  assert_status (result, expected);
}

static GBytes *
read_output (CompileFixture *self)
{
  g_autofree char *path = compile_fixture_path (self, "out.o");
  g_autoptr (GError) error = NULL;
  char *contents = NULL;
  gsize size;

  g_assert_true (g_file_get_contents (path, &contents, &size, &error));
  g_assert_cmpint (g_unlink (path), ==, 0);
  return g_bytes_new_take (contents, size);
}

/* A hit says all that the compile said. */
static void
test_hit (CompileFixture *self,
          gconstpointer   data)
{
  g_autofree char *header = compile_fixture_write (self, "k.h", "#define VALUE 1\n");
  g_autofree char *source = compile_fixture_write (self, "k.c", SOURCE);
  g_autoptr (TvmCompileResult) made = NULL;
  g_autoptr (TvmCompileResult) found = NULL;
  g_autoptr (GBytes) first = NULL;
  g_autoptr (GBytes) second = NULL;
  g_auto (GStrv) made_dependencies = NULL;
  g_auto (GStrv) found_dependencies = NULL;

  use_cache (self);
  made = compile (self, source, NULL);
  assert_status (made, TVM_CACHE_STATUS_MISS);
  first = read_output (self);
  found = compile (self, source, NULL);
  assert_status (found, TVM_CACHE_STATUS_HIT);
  second = read_output (self);

  g_assert_true (g_bytes_equal (first, second));
  g_assert_true (g_bytes_equal (tvm_compile_result_get_log (made),
                                tvm_compile_result_get_log (found)));
  g_assert_cmpuint (tvm_compile_result_get_n_warnings (found), ==, 1);
  g_assert_cmpuint (g_list_model_get_n_items (tvm_compile_result_get_diagnostics (found)), ==,
                    g_list_model_get_n_items (tvm_compile_result_get_diagnostics (made)));
  g_assert_cmpstr (tvm_compile_result_get_output (found), ==, tvm_compile_result_get_output (made));
  made_dependencies = tvm_compile_result_dup_dependencies (made);
  found_dependencies = tvm_compile_result_dup_dependencies (found);
  g_assert_true (g_strv_equal ((const char * const *) made_dependencies,
                               (const char * const *) found_dependencies));
  g_assert_cmpstr (made_dependencies[0], ==, source);
  g_assert_cmpint (tvm_compile_result_get_exit_status (found), ==, 0);
}

static void
test_new_process (CompileFixture *self,
                  gconstpointer   data)
{
  g_autofree char *header = compile_fixture_write (self, "k.h", "#define VALUE 1\n");
  g_autofree char *source = compile_fixture_write (self, "k.c", SOURCE);
  g_autofree char *output = compile_fixture_path (self, "out.o");
  g_autofree char *directory = compile_fixture_path (self, "cache");
  g_autofree char *libexecdir = g_strdup (g_getenv ("TVM_SUPPORT_LIBEXECDIR"));
  g_autofree char *said = NULL;
  g_autoptr (GBytes) first = NULL;
  g_autoptr (GBytes) second = NULL;

  use_cache (self);
  /* This process has asked the compiler already, and has not written the answer down. */
  said = compile_fixture_run (program, "--child", directory, source, output, NULL);
  g_assert_cmpstr (said, ==, "2");
  g_clear_pointer (&said, g_free);
  assert_compile (self, source, NULL, TVM_CACHE_STATUS_HIT);
  first = read_output (self);
  /* Nothing is run for it, not even to ask the compiler what it is: it could not be. */
  g_setenv ("TVM_SUPPORT_LIBEXECDIR", self->folder, TRUE);
  said = compile_fixture_run (program, "--child", directory, source, output, NULL);
  if (libexecdir != NULL)
    g_setenv ("TVM_SUPPORT_LIBEXECDIR", libexecdir, TRUE);
  else
    g_unsetenv ("TVM_SUPPORT_LIBEXECDIR");
  g_assert_cmpstr (said, ==, "1");
  second = read_output (self);
  g_assert_true (g_bytes_equal (first, second));
}

static void
test_headers (CompileFixture *self,
              gconstpointer   data)
{
  g_autofree char *header = compile_fixture_write (self, "k.h", "#define VALUE 1\n");
  g_autofree char *source = compile_fixture_write (self, "k.c", SOURCE);
  const struct timespec times[2] = { { 1000, 0 }, { 1000, 0 } };

  use_cache (self);
  assert_compile (self, source, NULL, TVM_CACHE_STATUS_MISS);

  /* Touched, and written again */
  g_assert_cmpint (utimensat (AT_FDCWD, header, times, 0), ==, 0);
  assert_compile (self, source, NULL, TVM_CACHE_STATUS_HIT);
  assert_compile (self, source, NULL, TVM_CACHE_STATUS_HIT);
  g_free (compile_fixture_write (self, "k.h", "#define VALUE 1\n"));
  assert_compile (self, source, NULL, TVM_CACHE_STATUS_HIT);

  /* Changed, to what has the same size and times */
  g_free (compile_fixture_write (self, "k.h", "#define VALUE 2\n"));
  g_assert_cmpint (utimensat (AT_FDCWD, header, times, 0), ==, 0);
  assert_compile (self, source, NULL, TVM_CACHE_STATUS_MISS);
  /* And back */
  g_free (compile_fixture_write (self, "k.h", "#define VALUE 1\n"));
  assert_compile (self, source, NULL, TVM_CACHE_STATUS_HIT);
  g_free (compile_fixture_write (self, "k.h", "#define VALUE 2\n"));
  assert_compile (self, source, NULL, TVM_CACHE_STATUS_HIT);

  /* Gone */
  g_assert_cmpint (g_unlink (header), ==, 0);
  {
    g_autoptr (TvmCompileResult) result = compile (self, source, NULL);

    g_assert_false (tvm_compile_result_get_successful (result));
    g_assert_cmpint (tvm_compile_result_get_cache_status (result), ==, TVM_CACHE_STATUS_BYPASS);
  }
}

static void
test_options (CompileFixture *self,
              gconstpointer   data)
{
  g_autofree char *source = compile_fixture_write (self, "a.c", "int f (void) { return A; }\n");

  use_cache (self);
  assert_compile (self, source, (const char *[]) { "-DA=1", "-DA=2", "-w", NULL },
                  TVM_CACHE_STATUS_MISS);
  assert_compile (self, source, (const char *[]) { "-DA=2", "-DA=1", "-w", NULL },
                  TVM_CACHE_STATUS_MISS);
  assert_compile (self, source, (const char *[]) { "-DA=1", "-DA=2", "-w", NULL },
                  TVM_CACHE_STATUS_HIT);
  assert_compile (self, source, (const char *[]) { "-DA=1", "-fprofile-arcs", NULL },
                  TVM_CACHE_STATUS_BYPASS);
  assert_compile (self, source, (const char *[]) { "-DA=1", "-MMD", NULL },
                  TVM_CACHE_STATUS_BYPASS);
  tvm_compiler_set_cache (self->compiler, NULL);
  assert_compile (self, source, (const char *[]) { "-DA=1", NULL }, TVM_CACHE_STATUS_DISABLED);
}

static void
test_source (CompileFixture *self,
             gconstpointer   data)
{
  g_autofree char *source = compile_fixture_write (self, "a.c", "int a;\n");
  g_autofree char *timed =
    compile_fixture_write (self, "t.c", "const char *t = __TIME__;\n");

  use_cache (self);
  assert_compile (self, source, NULL, TVM_CACHE_STATUS_MISS);
  g_free (compile_fixture_write (self, "a.c", "int b;\n"));
  assert_compile (self, source, NULL, TVM_CACHE_STATUS_MISS);
  g_free (compile_fixture_write (self, "a.c", "int a;\n"));
  assert_compile (self, source, NULL, TVM_CACHE_STATUS_HIT);
  assert_compile (self, timed, NULL, TVM_CACHE_STATUS_BYPASS);
  g_setenv ("CPATH", self->folder, TRUE);
  assert_compile (self, source, NULL, TVM_CACHE_STATUS_MISS);
  g_unsetenv ("CPATH");
  assert_compile (self, source, NULL, TVM_CACHE_STATUS_HIT);
}

/* Bytes to bytes, as a just-in-time compiler does it; with clang, whose other kinds are kept as well */
static void
test_bytes (CompileFixture *self,
            gconstpointer   data)
{
  g_autoptr (GBytes) source = g_bytes_new_static ("#warning w\nint f (void) { return 1; }\n", 37);
  g_autoptr (GBytes) first = NULL;

  if (!compile_fixture_have ("clang"))
    return;

  g_clear_object (&self->compiler);
  self->compiler = tvm_compiler_new_for_command ("clang");
  use_cache (self);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (TvmCompileRequest) request = tvm_compile_request_new (TVM_COMPILE_KIND_LLVM_IR);
      g_autoptr (TvmCompileResult) result = NULL;
      g_autoptr (TvmDiagnostic) diagnostic = NULL;
      g_auto (GStrv) dependencies = NULL;

      tvm_compile_request_add_input_bytes (request, "kernel.c", source, TVM_LANGUAGE_C);
      tvm_compile_request_set_options (request, (const char *[]) { "-O2", NULL });
      result = compile_fixture_compile (self, request);
      assert_status (result, i == 0 ? TVM_CACHE_STATUS_MISS : TVM_CACHE_STATUS_HIT);
      if (i == 0)
        first = g_bytes_ref (tvm_compile_result_get_bytes (result));
      g_assert_true (g_bytes_equal (tvm_compile_result_get_bytes (result), first));
      g_assert_null (tvm_compile_result_get_output (result));
      diagnostic = g_list_model_get_item (tvm_compile_result_get_diagnostics (result), 0);
      g_assert_cmpstr (tvm_diagnostic_get_file (diagnostic), ==, "kernel.c");
      dependencies = tvm_compile_result_dup_dependencies (result);
      g_assert_cmpstr (dependencies[0], ==, "kernel.c");
      g_assert_null (dependencies[1]);
    }
}

/* A file to bytes, which is looked for before anything is made for it; also from another folder */
static void
test_file_to_bytes (CompileFixture *self,
                    gconstpointer   data)
{
  g_autofree char *header = compile_fixture_write (self, "k.h", "#define VALUE 1\n");
  g_autofree char *source = compile_fixture_write (self, "k.c", SOURCE);
  const TvmCacheStatus expected[] = {
    TVM_CACHE_STATUS_MISS, TVM_CACHE_STATUS_HIT, TVM_CACHE_STATUS_MISS, TVM_CACHE_STATUS_HIT,
  };

  use_cache (self);
  for (guint i = 0; i < 2 * G_N_ELEMENTS (expected); i++)
    {
      const gboolean is_relative = i >= G_N_ELEMENTS (expected);
      g_autoptr (TvmCompileRequest) request = NULL;
      g_autoptr (TvmCompileResult) result = NULL;
      g_autofree char *text = g_strdup_printf ("#define VALUE 1%u\n", i / 2);
      g_auto (GStrv) inputs = NULL;

      if (i % 2 == 0)
        g_free (compile_fixture_write (self, "k.h", text));
      request = compile_fixture_request (self, TVM_COMPILE_KIND_OBJECT,
                                         is_relative ? "k.c" : source, NULL);
      if (is_relative)
        tvm_compile_request_set_working_directory (request, self->folder);
      result = compile_fixture_compile (self, request);
      assert_status (result, expected[i % G_N_ELEMENTS (expected)]);
      g_assert_nonnull (tvm_compile_result_get_bytes (result));
      g_assert_cmpuint (tvm_compile_result_get_n_warnings (result), ==, 1);
      inputs = tvm_compile_result_dup_inputs (result);
      g_assert_cmpstr (inputs[0], ==, is_relative ? "k.c" : source);
    }

  g_assert_cmpuint (tvm_kernel_cache_get_hits (tvm_compiler_get_cache (self->compiler)), ==, 4);
  g_assert_cmpuint (tvm_kernel_cache_get_misses (tvm_compiler_get_cache (self->compiler)), ==, 4);
}

/* A kernel for NVIDIA's machines, without one; ptxas and cicc are not run for a hit. */
static void
test_nvcc (CompileFixture *self,
           gconstpointer   data)
{
  g_autofree char *header = compile_fixture_write (self, "k.h", "#define VALUE 1\n");
  g_autofree char *source = compile_fixture_write (
    self, "k.cu", "#include \"k.h\"\nextern \"C\" __global__ void f (int *x) { *x = VALUE; }\n");
  g_autoptr (TvmNvccCompiler) nvcc = NULL;
  g_autoptr (GError) error = NULL;
  const TvmCacheStatus expected[] = {
    TVM_CACHE_STATUS_MISS, TVM_CACHE_STATUS_HIT, TVM_CACHE_STATUS_MISS, TVM_CACHE_STATUS_HIT,
  };

  nvcc = tvm_nvcc_compiler_new (NULL, &error);
  if (nvcc == NULL)
    {
      g_test_skip (error->message);
      return;
    }

  g_set_object (&self->compiler, TVM_COMPILER (nvcc));
  use_cache (self);
  for (guint i = 0; i < G_N_ELEMENTS (expected); i++)
    {
      g_autoptr (TvmCompileRequest) request =
        compile_fixture_request (self, TVM_COMPILE_KIND_PTX, source, "k.ptx");
      g_autoptr (TvmCompileResult) result = NULL;

      if (i == 2)
        g_free (compile_fixture_write (self, "k.h", "#define VALUE 2\n"));
      result = compile_fixture_compile (self, request);
      assert_status (result, expected[i]);
    }
}

/* How many threads nvcc has makes no other code. */
static void
test_nvcc_threads (CompileFixture *self,
                   gconstpointer   data)
{
  g_autofree char *source = compile_fixture_write (self, "k.cu", "__global__ void f (int *x) { }\n");
  g_autoptr (TvmNvccCompiler) nvcc = tvm_nvcc_compiler_new (NULL, NULL);

  if (nvcc == NULL)
    {
      g_test_skip ("there is no nvcc");
      return;
    }

  g_set_object (&self->compiler, TVM_COMPILER (nvcc));
  use_cache (self);
  for (guint threads = 1; threads <= 2; threads++)
    {
      g_autoptr (TvmCompileRequest) request =
        compile_fixture_request (self, TVM_COMPILE_KIND_FATBIN, source, "k.fatbin");
      g_autoptr (TvmCompileResult) result = NULL;

      tvm_compile_request_set_arch (request, "sm_80,sm_90");
      tvm_nvcc_compiler_set_threads (nvcc, threads);
      result = compile_fixture_compile (self, request);
      assert_status (result, threads == 1 ? TVM_CACHE_STATUS_MISS : TVM_CACHE_STATUS_HIT);
    }
}

static void
assert_nvcc (CompileFixture     *self,
             const char         *source,
             const char * const *options,
             TvmCacheStatus      expected)
{
  g_autoptr (TvmCompileRequest) request =
    compile_fixture_request (self, TVM_COMPILE_KIND_PTX, source, "k.ptx");
  g_autoptr (TvmCompileResult) result = NULL;

  tvm_compile_request_set_options (request, options);
  result = compile_fixture_compile (self, request);
  g_assert_cmpint (tvm_compile_result_get_cache_status (result), ==, expected);
}

/* A compiler of the host that is a file of the test's own */
static void
write_host_compiler (CompileFixture *self,
                     const char     *comment)
{
  g_autofree char *text = g_strdup_printf ("#!/bin/sh\n# %s\nexec gcc \"$@\"\n", comment);
  g_autofree char *path = compile_fixture_write (self, "host/gcc", text);

  g_assert_cmpint (g_chmod (path, 0700), ==, 0);
}

/* What nvcc is and does is also what it runs, and what the environment tells it. */
static void
test_nvcc_identity (CompileFixture *self,
                    gconstpointer   data)
{
  g_autofree char *source = compile_fixture_write (self, "k.cu", "__global__ void f (int *x) { }\n");
  g_autofree char *host = compile_fixture_path (self, "host");
  g_autofree char *path = compile_fixture_path (self, "host/gcc");
  g_autoptr (TvmNvccCompiler) nvcc = tvm_nvcc_compiler_new (NULL, NULL);

  if (nvcc == NULL)
    {
      g_test_skip ("there is no nvcc");
      return;
    }

  g_set_object (&self->compiler, TVM_COMPILER (nvcc));
  use_cache (self);
  g_assert_cmpint (g_mkdir (host, 0700), ==, 0);
  write_host_compiler (self, "the first");
  assert_nvcc (self, source, (const char *[]) { "-ccbin", host, NULL }, TVM_CACHE_STATUS_MISS);
  assert_nvcc (self, source, (const char *[]) { "-ccbin", host, NULL }, TVM_CACHE_STATUS_HIT);
  write_host_compiler (self, "another one");
  assert_nvcc (self, source, (const char *[]) { "-ccbin", host, NULL }, TVM_CACHE_STATUS_MISS);
  g_setenv ("NVCC_CCBIN", path, TRUE);
  assert_nvcc (self, source, NULL, TVM_CACHE_STATUS_MISS);
  assert_nvcc (self, source, NULL, TVM_CACHE_STATUS_HIT);
  write_host_compiler (self, "one that is another one again");
  assert_nvcc (self, source, NULL, TVM_CACHE_STATUS_MISS);
  g_unsetenv ("NVCC_CCBIN");

  assert_nvcc (self, source, (const char *[]) { "-arch=native", NULL }, TVM_CACHE_STATUS_BYPASS);
  assert_nvcc (self, source, (const char *[]) { "-Xcompiler=-O1,-march=native", NULL },
               TVM_CACHE_STATUS_BYPASS);
  g_setenv ("NVCC_APPEND_FLAGS", "-DX -ccbin 'g++", TRUE);
  assert_nvcc (self, source, NULL, TVM_CACHE_STATUS_BYPASS);
  g_setenv ("NVCC_APPEND_FLAGS", "--no-such-option", TRUE);
  assert_nvcc (self, source, NULL, TVM_CACHE_STATUS_BYPASS);
  g_setenv ("NVCC_APPEND_FLAGS", "-DX -arch=native", TRUE);
  assert_nvcc (self, source, NULL, TVM_CACHE_STATUS_BYPASS);
  g_setenv ("NVCC_APPEND_FLAGS", "-DX", TRUE);
  assert_nvcc (self, source, NULL, TVM_CACHE_STATUS_MISS);
  assert_nvcc (self, source, NULL, TVM_CACHE_STATUS_HIT);
  g_unsetenv ("NVCC_APPEND_FLAGS");
  /* These it reads as well, and tells nobody. */
  assert_nvcc (self, source, NULL, TVM_CACHE_STATUS_MISS);
  g_setenv ("PTXAS_FLAGS", "-O1", TRUE);
  assert_nvcc (self, source, NULL, TVM_CACHE_STATUS_MISS);
  g_unsetenv ("PTXAS_FLAGS");
  assert_nvcc (self, source, NULL, TVM_CACHE_STATUS_HIT);
}

/* Code for this machine is kept with what this machine is. */
static void
test_native (CompileFixture *self,
             gconstpointer   data)
{
  g_autofree char *source = compile_fixture_write (self, "a.c", "int f (void) { return 1; }\n");
  const char *options[] = { "-march=native", NULL };

  use_cache (self);
  assert_compile (self, source, options, TVM_CACHE_STATUS_MISS);
  assert_compile (self, source, options, TVM_CACHE_STATUS_HIT);
}

/* What a compiler said of itself, by its file; a script may run another one each time. */
static void
test_memory (CompileFixture *self,
             gconstpointer   data)
{
  const char *args[] = { "-m64", NULL };
  g_autofree char *directory = compile_fixture_path (self, "cache");
  g_autofree char *script = compile_fixture_write (self, "cc", "#!/bin/sh\nexec gcc \"$@\"\n");
  g_autofree char *gcc = g_find_program_in_path ("gcc");
  g_autofree char *key = tvm_toolchain_memory_key (gcc, args);
  g_autofree char *other = tvm_toolchain_memory_key (gcc, args + 1);
  g_autofree char *elsewhere = NULL;
  g_autoptr (TvmKernelCache) cache = tvm_kernel_cache_new (directory);
  TvmToolchainIdentity identity = { TVM_TOOLCHAIN_FAMILY_GCC, (char *) "12.2.0", NULL };
  g_autoptr (TvmToolchainIdentity) found = NULL;

  g_assert_null (tvm_toolchain_memory_key (script, args));
  g_assert_null (tvm_toolchain_memory_key (directory, args));
  g_assert_nonnull (key);
  g_assert_cmpstr (key, !=, other);
  g_setenv ("GCC_EXEC_PREFIX", "/nowhere/", TRUE);
  elsewhere = tvm_toolchain_memory_key (gcc, args);
  g_unsetenv ("GCC_EXEC_PREFIX");
  g_assert_cmpstr (key, !=, elsewhere);

  g_assert_null (tvm_toolchain_memory_read (cache, key));
  tvm_toolchain_memory_write (cache, key, &identity);
  found = tvm_toolchain_memory_read (cache, key);
  g_assert_nonnull (found);
  g_assert_cmpint (found->family, ==, identity.family);
  g_assert_cmpstr (found->version, ==, identity.version);
  g_assert_null (found->triple);
}

/* The sources of a library are kept, the link is not. */
static void
test_library (CompileFixture *self,
              gconstpointer   data)
{
  g_autofree char *a = compile_fixture_write (self, "a.c", "int a (void) { return 1; }\n");
  g_autofree char *b = compile_fixture_write (self, "b.c", "int b (void) { return 2; }\n");

  use_cache (self);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (TvmCompileRequest) request =
        compile_fixture_request (self, TVM_COMPILE_KIND_SHARED, a, "lib.so");
      g_autoptr (TvmCompileResult) result = NULL;

      tvm_compile_request_add_input (request, b, TVM_LANGUAGE_AUTO);
      result = compile_fixture_compile (self, request);
      assert_status (result, i == 0 ? TVM_CACHE_STATUS_MISS : TVM_CACHE_STATUS_HIT);
      g_assert_true (compile_fixture_exists (self, "lib.so"));
    }
}

/* Cuts each file of a folder short, or gives it the contents of the one before. */
static guint
damage (const char *folder,
        gboolean    swap)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  g_autofree char *before = NULL;
  gsize before_size = 0;
  const char *name;
  guint n = 0;

  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);
      g_autofree char *contents = NULL;
      gsize size;

      if (g_file_test (path, G_FILE_TEST_IS_DIR))
        {
          n += damage (path, swap);
          continue;
        }
      g_assert_true (g_file_get_contents (path, &contents, &size, NULL));
      if (!swap)
        g_assert_true (g_file_set_contents (path, contents, size / 2, NULL));
      else if (before != NULL)
        g_assert_true (g_file_set_contents (path, before, before_size, NULL));
      g_free (before);
      before = g_steal_pointer (&contents);
      before_size = size;
      n++;
    }

  return n;
}

static void
test_damaged (CompileFixture *self,
              gconstpointer   data)
{
  g_autofree char *source = compile_fixture_write (self, "a.c", "int a = 1;\n");
  g_autofree char *directory = compile_fixture_path (self, "cache");
  g_autoptr (GBytes) first = NULL;

  use_cache (self);
  assert_compile (self, source, NULL, TVM_CACHE_STATUS_MISS);
  first = read_output (self);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GBytes) again = NULL;

      g_assert_cmpuint (damage (directory, i == 1), >, 1);
      /* Files that are alone in their folder have nothing to be swapped with. */
      if (i == 0)
        assert_compile (self, source, NULL, TVM_CACHE_STATUS_MISS);
      else
        g_object_unref (compile (self, source, NULL));
      again = read_output (self);
      g_assert_true (g_bytes_equal (first, again));
      assert_compile (self, source, NULL, TVM_CACHE_STATUS_HIT);
      g_clear_pointer (&again, g_bytes_unref);
      again = read_output (self);
      g_assert_true (g_bytes_equal (first, again));
    }
}

/* A cache that is no use does not keep anything from being compiled. */
static void
test_no_use (CompileFixture *self,
             gconstpointer   data)
{
  g_autofree char *source = compile_fixture_write (self, "a.c", "int a;\n");
  g_autofree char *directory = compile_fixture_write (self, "cache", "no folder");

  use_cache (self);
  assert_compile (self, source, NULL, TVM_CACHE_STATUS_BYPASS);
  g_assert_cmpint (g_unlink (directory), ==, 0);
  g_assert_cmpint (g_mkdir (directory, 0700), ==, 0);
  g_assert_cmpint (g_chmod (directory, 0777), ==, 0);
  assert_compile (self, source, NULL, TVM_CACHE_STATUS_BYPASS);
  g_assert_cmpint (g_chmod (directory, 0700), ==, 0);
  assert_compile (self, source, NULL, TVM_CACHE_STATUS_MISS);
}

/* What does not fit is compiled all the same, and what fits is kept. */
static void
test_full_disk (CompileFixture *self,
                gconstpointer   data)
{
  g_autofree char *small = compile_fixture_write (self, "a.c", "int a;\n");
  g_autofree char *large =
    compile_fixture_write (self, "b.c", "const char b[100000] = { 1, 2, 3 };\n");
  g_autofree char *directory = compile_fixture_path (self, "cache");

  g_assert_cmpint (g_mkdir (directory, 0700), ==, 0);
  if (mount ("tmpfs", directory, "tmpfs", 0, "size=64k,mode=700") < 0)
    {
      g_test_skip ("no file system can be mounted");
      return;
    }

  use_cache (self);
  assert_compile (self, large, NULL, TVM_CACHE_STATUS_BYPASS);
  assert_compile (self, large, NULL, TVM_CACHE_STATUS_BYPASS);
  assert_compile (self, small, NULL, TVM_CACHE_STATUS_MISS);
  assert_compile (self, small, NULL, TVM_CACHE_STATUS_HIT);
  tvm_compiler_set_cache (self->compiler, NULL);
  g_assert_cmpint (umount (directory), ==, 0);
}

static char *
make_key (const char *a,
          const char *b,
          const char *c)
{
  g_autoptr (TvmKernelKey) key = tvm_kernel_key_new ("test");
  const char *words[] = { a, b, NULL };

  tvm_kernel_key_add_strv (key, "words", words);
  tvm_kernel_key_add (key, "c", c);
  return tvm_kernel_key_end (key);
}

static void
test_fields (void)
{
  static const char * const fields[][3] = {
    { "ab", "c", "" }, { "a", "bc", "" }, { "abc", "", "" }, { "abc", NULL, "" },
    { "abc", NULL, NULL }, { "a", "b", "c" }, { "a", "", "bc" }, { "b", "a", "c" },
  };
  g_autoptr (GHashTable) keys = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (fields); i++)
    g_assert_true (g_hash_table_add (keys, make_key (fields[i][0], fields[i][1], fields[i][2])));
  g_assert_false (g_hash_table_add (keys, make_key ("ab", "c", "")));
}

/* What a backend keeps comes back whole. */
static void
test_entry (CompileFixture *self,
            gconstpointer   data)
{
  g_autofree char *directory = compile_fixture_path (self, "cache");
  g_autoptr (TvmKernelCache) cache = tvm_kernel_cache_new (directory);
  g_autoptr (GBytes) output = g_bytes_new_static ("\0ptx\xff", 5);
  const char *names[] = { "f<int>", "_Z1fIiEvv", NULL };
  g_autoptr (TvmKernelEntry) entry = tvm_kernel_entry_new (output, NULL, names, NULL);
  g_autoptr (TvmKernelEntry) found = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_null (tvm_kernel_cache_find (cache, "key", "/", NULL, &error));
  g_assert_no_error (error);
  g_assert_true (tvm_kernel_cache_keep (cache, "key", "/", entry, g_get_real_time (), NULL, &error));
  g_assert_no_error (error);
  found = tvm_kernel_cache_find (cache, "key", "/", NULL, &error);
  g_assert_nonnull (found);
  g_assert_true (g_bytes_equal (found->output, output));
  g_assert_cmpuint (g_bytes_get_size (found->log), ==, 0);
  g_assert_true (g_strv_equal ((const char * const *) found->lowered_names, names));
  g_assert_cmpuint (g_strv_length (found->dependencies), ==, 0);
  g_assert_cmpuint (tvm_kernel_cache_get_hits (cache), ==, 1);
  g_assert_cmpuint (tvm_kernel_cache_get_misses (cache), ==, 1);
}

static int
child_main (char **words)
{
  g_autoptr (TvmCompiler) compiler = tvm_compiler_new (NULL);
  g_autoptr (TvmKernelCache) cache = tvm_kernel_cache_new (words[0]);
  g_autoptr (TvmCompileRequest) request = tvm_compile_request_new (TVM_COMPILE_KIND_OBJECT);
  g_autoptr (TvmCompileResult) result = NULL;

  tvm_compiler_set_cache (compiler, cache);
  tvm_compile_request_add_input (request, words[1], TVM_LANGUAGE_AUTO);
  tvm_compile_request_set_output (request, words[2]);
  result = tvm_compiler_compile (compiler, request, NULL, NULL);
  g_assert_nonnull (result);
  g_print ("%d", tvm_compile_result_get_cache_status (result));
  return 0;
}

static void
add (const char *path,
     void (*func) (CompileFixture *, gconstpointer))
{
  compile_fixture_add (path, func);
}

int
main (int   argc,
      char *argv[])
{
  if (argc == 5 && g_str_equal (argv[1], "--child"))
    return child_main (argv + 2);

  g_test_init (&argc, &argv, NULL);
  program = argv[0];
  add ("/compile-cache/hit", test_hit);
  add ("/compile-cache/new-process", test_new_process);
  add ("/compile-cache/headers", test_headers);
  add ("/compile-cache/options", test_options);
  add ("/compile-cache/source", test_source);
  add ("/compile-cache/bytes", test_bytes);
  add ("/compile-cache/file-to-bytes", test_file_to_bytes);
  add ("/compile-cache/nvcc", test_nvcc);
  add ("/compile-cache/nvcc-identity", test_nvcc_identity);
  add ("/compile-cache/nvcc-threads", test_nvcc_threads);
  add ("/compile-cache/native", test_native);
  add ("/compile-cache/memory", test_memory);
  add ("/compile-cache/library", test_library);
  add ("/compile-cache/damaged", test_damaged);
  add ("/compile-cache/no-use", test_no_use);
  add ("/compile-cache/full-disk", test_full_disk);
  add ("/compile-cache/entry", test_entry);
  g_test_add_func ("/compile-cache/fields", test_fields);
  return g_test_run ();
}
