/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "compile-fixture.h"

#include "tvmsupport/gpu/tvm-rocm.h"
#include "tvmsupport/tvm-error.h"

#include <glib/gstdio.h>
#include <string.h>

static void
assert_says (GError     *error,
             int         code,
             const char *says)
{
  g_assert_error (error, TVM_ERROR, code);
  if (strstr (error->message, says) == NULL)
    g_error ("“%s” is not in “%s”", says, error->message);
}

static void
test_versions (CompileFixture *self,
               gconstpointer   data)
{
  static const struct { const char *text; int major; int minor; } good[] = {
    { "9.0", 9, 0 }, { "11.5", 11, 5 }, { "9.4.2", 9, 4 }, { "gfx90a", 9, 0 }, { "gfx1030", 10, 3 },
    { "gfx942:sramecc+:xnack-", 9, 4 }, { "amdgcn-amd-amdhsa--gfx803", 8, 0 },
  };
  static const char * const bad[] = {
    "", "9", "9.", ".0", "a.b", "gfx", "gfx9", "gfx90z", "gfxx00", "gfx90a0000", "sm_90", "9.0a",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (good); i++)
    {
      g_autoptr (GError) error = NULL;
      int major, minor;

      g_assert_true (tvm_rocm_parse_compute_version (good[i].text, &major, &minor, &error));
      g_assert_no_error (error);
      g_assert_cmpint (major, ==, good[i].major);
      g_assert_cmpint (minor, ==, good[i].minor);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_false (tvm_rocm_parse_compute_version (bad[i], NULL, NULL, &error));
      assert_says (error, TVM_ERROR_INVALID_ARGUMENT, bad[i]);
    }
}

/* The seed says yes to all from 8.0 on. */
static void
test_matrix_cores (CompileFixture *self,
                   gconstpointer   data)
{
  static const char * const with[] = {
    "gfx908", "gfx90a", "gfx90a:sramecc+:xnack-", "gfx940", "gfx942", "gfx950", "gfx1100", "gfx1151",
    "gfx1201", "9.4", "11.0",
  };
  static const char * const without[] = {
    "gfx803", "gfx900", "gfx906", "gfx909", "gfx90c", "gfx1010", "gfx1030", "8.0", "9.0", "10.3",
  };
  g_autoptr (GError) error = NULL;

  for (gsize i = 0; i < G_N_ELEMENTS (with); i++)
    {
      if (!tvm_rocm_have_matrixcore (with[i], &error))
        g_error ("%s", with[i]);
      g_assert_no_error (error);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (without); i++)
    {
      if (tvm_rocm_have_matrixcore (without[i], &error))
        g_error ("%s", without[i]);
      g_assert_no_error (error);
    }
  g_assert_false (tvm_rocm_have_matrixcore ("gfx", &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT);
}

static char *
put_program (CompileFixture *self,
             const char     *name,
             const char     *text)
{
  g_autofree char *path = compile_fixture_path (self, name);
  g_autofree char *folder = g_path_get_dirname (path);

  g_assert_cmpint (g_mkdir_with_parents (folder, 0755), ==, 0);
  g_free (compile_fixture_write (self, name, text));
  g_assert_no_errno (g_chmod (path, 0755));
  return g_steal_pointer (&path);
}

static void
test_paths (CompileFixture *self,
            gconstpointer   data)
{
  g_autofree char *saved = g_strdup (g_getenv ("PATH"));
  g_autofree char *program = put_program (self, "rocm/bin/hipcc", "#!/bin/sh\n");
  g_autofree char *linker = put_program (self, "rocm/llvm/bin/ld.lld", "#!/bin/sh\n");
  g_autofree char *root = compile_fixture_path (self, "rocm");
  g_autofree char *folder = compile_fixture_path (self, "rocm/bin");
  g_autofree char *found = NULL;
  g_autofree char *found_by_program = NULL;
  g_autofree char *none = NULL;
  g_auto (GStrv) linkers = NULL;
  g_auto (GStrv) no_linkers = NULL;
  g_autoptr (GError) error = NULL;

  g_setenv ("ROCM_PATH", root, TRUE);
  found = tvm_rocm_find_path (&error);
  g_assert_no_error (error);
  g_assert_cmpstr (found, ==, root);
  g_setenv ("PATH", "/nope", TRUE);
  linkers = tvm_rocm_find_lld (TRUE, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_strv_length (linkers), ==, 1);
  g_assert_cmpstr (linkers[0], ==, linker);

  g_setenv ("ROCM_PATH", "/nope", TRUE);
  g_setenv ("PATH", folder, TRUE);
  found_by_program = tvm_rocm_find_path (&error);
  g_assert_no_error (error);
  g_assert_cmpstr (found_by_program, ==, root);

  /* Each place, with the reason */
  g_setenv ("PATH", "/nope", TRUE);
  none = tvm_rocm_find_path (&error);
  if (none == NULL)
    {
      assert_says (error, TVM_ERROR_NOT_FOUND, "/nope (ROCM_PATH: has no ROCm)");
      g_assert_nonnull (strstr (error->message, "hipcc in the PATH (there is none)"));
      g_assert_nonnull (strstr (error->message, "/opt/rocm"));
      g_clear_error (&error);
      no_linkers = tvm_rocm_find_lld (TRUE, &error);
      g_assert_null (no_linkers);
      assert_says (error, TVM_ERROR_NOT_FOUND, "No ld.lld was found");
    }
  g_unsetenv ("ROCM_PATH");
  g_setenv ("PATH", saved, TRUE);
}

static guint
count_named (char       **paths,
             const char  *word)
{
  guint n = 0;

  for (guint i = 0; paths[i] != NULL; i++)
    n += strstr (paths[i], word) != NULL;
  return n;
}

static void
test_bitcode (CompileFixture *self,
              gconstpointer   data)
{
  static const struct { const char *arch; const char *isa; const char *waves; const char *daz; }
  cases[] = {
    { "gfx803", "oclc_isa_version_803.bc", "wavefrontsize64_on", "daz_opt_on" },
    { "gfx90a:sramecc+:xnack-", "oclc_isa_version_90a.bc", "wavefrontsize64_on", "daz_opt_off" },
    { "gfx1030", "oclc_isa_version_1030.bc", "wavefrontsize64_off", "daz_opt_off" },
  };
  static const char * const pairs[] = {
    "daz_opt", "unsafe_math", "finite_only", "correctly_rounded_sqrt", "wavefrontsize64",
    "isa_version", "abi_version", "/ocml.bc", "/ockl.bc",
  };
  g_autoptr (GError) error = NULL;

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_auto (GStrv) paths = tvm_rocm_find_bitcode_paths (cases[i].arch, NULL, &error);

      if (g_error_matches (error, TVM_ERROR, TVM_ERROR_NOT_FOUND) &&
          strstr (error->message, "Could not find") != NULL)
        {
          g_test_skip ("the device library of ROCm is not installed");
          return;
        }
      g_assert_no_error (error);
      g_assert_cmpuint (count_named (paths, cases[i].isa), ==, 1);
      g_assert_cmpuint (count_named (paths, cases[i].waves), ==, 1);
      g_assert_cmpuint (count_named (paths, cases[i].daz), ==, 1);
      /* The seed names both of each pair. */
      for (gsize j = 0; j < G_N_ELEMENTS (pairs); j++)
        g_assert_cmpuint (count_named (paths, pairs[j]), ==, 1);
      for (guint j = 0; paths[j] != NULL; j++)
        g_assert_true (g_file_test (paths[j], G_FILE_TEST_IS_REGULAR));
    }

  /* The seed leaves it out. */
  g_assert_null (tvm_rocm_find_bitcode_paths ("gfx1f0f", NULL, &error));
  assert_says (error, TVM_ERROR_INVALID_ARGUMENT, "gfx1f0f");
  g_clear_error (&error);
  g_assert_null (tvm_rocm_find_bitcode_paths ("gfx998", NULL, &error));
  assert_says (error, TVM_ERROR_NOT_FOUND, "oclc_isa_version_998.bc");
  g_clear_error (&error);
  g_assert_null (tvm_rocm_find_bitcode_paths ("gfx90a", self->folder, &error));
  assert_says (error, TVM_ERROR_NOT_FOUND, "ocml.bc");
}

/* A fake that prints what rocminfo does on a machine with an MI250, as there is no such machine here */
static const char rocminfo[] =
  "#!/bin/sh\n"
  "cat << END\n"
  "ROCk module is loaded\n"
  "=====================\n"
  "HSA Agents\n"
  "==========\n"
  "*******\n"
  "Agent 1\n"
  "*******\n"
  "  Name:                    AMD EPYC 7A53 64-Core Processor\n"
  "  Marketing Name:          AMD EPYC 7A53 64-Core Processor\n"
  "  Vendor Name:             CPU\n"
  "*******\n"
  "Agent 2\n"
  "*******\n"
  "  Name:                    gfx90a\n"
  "  Marketing Name:          AMD Instinct MI250X\n"
  "  Vendor Name:             AMD\n"
  "$MORE\n"
  "END\n";

static void
test_arch (CompileFixture *self,
           gconstpointer   data)
{
  g_autofree char *program = put_program (self, "rocm/bin/rocminfo", rocminfo);
  g_autofree char *root = compile_fixture_path (self, "rocm");
  g_autofree char *plain = NULL;
  g_autofree char *full = NULL;
  g_autoptr (GError) error = NULL;

  plain = tvm_rocm_get_arch (root, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (plain, ==, "gfx90a");

  g_setenv ("MORE", "  ISA 1\n    Name:                    amdgcn-amd-amdhsa--gfx90a:sramecc+:xnack-",
            TRUE);
  full = tvm_rocm_get_arch (root, NULL, &error);
  g_unsetenv ("MORE");
  g_assert_no_error (error);
  g_assert_cmpstr (full, ==, "gfx90a:sramecc+:xnack-");

  g_free (put_program (self, "rocm/bin/rocminfo", "#!/bin/sh\necho '  Name:  Some processor'\n"));
  g_assert_null (tvm_rocm_get_arch (root, NULL, &error));
  assert_says (error, TVM_ERROR_NOT_FOUND, "names no GPU of AMD");
  g_clear_error (&error);
  g_assert_null (tvm_rocm_get_arch ("/nope", NULL, &error));
  assert_says (error, TVM_ERROR_NOT_FOUND, "/nope/bin/rocminfo");
}

/* The real one, where there is no GPU: the seed says gfx900. */
static void
test_no_gpu (CompileFixture *self,
             gconstpointer   data)
{
  g_autofree char *arch = NULL;
  g_autoptr (GError) error = NULL;

  if (!compile_fixture_have ("rocminfo"))
    return;

  arch = tvm_rocm_get_arch (NULL, NULL, &error);
  if (arch != NULL)
    {
      g_test_skip ("this machine has a GPU of AMD");
      return;
    }
  assert_says (error, TVM_ERROR_FAILED, "ROCk module is NOT loaded");
  g_clear_error (&error);
  g_assert_false (tvm_rocm_have_matrixcore (NULL, &error));
  assert_says (error, TVM_ERROR_FAILED, "ROCk module is NOT loaded");
}

/* An object from OpenCL, by clang, and one from LLVM's language, by llc */
static gboolean
make_objects (CompileFixture *self,
              const char     *cl_object,
              const char     *ll_object)
{
  g_autofree char *cl = compile_fixture_write (
    self, "k.cl", "kernel void add_one (global float *x) { x[0] += 1; }\n");
  g_autofree char *ll = compile_fixture_write (
    self, "k.ll", "target triple = \"amdgcn-amd-amdhsa\"\n"
                  "define amdgpu_kernel void @twice (float addrspace(1)* %x) {\n"
                  "  %v = load float, float addrspace(1)* %x\n"
                  "  %w = fadd float %v, %v\n"
                  "  store float %w, float addrspace(1)* %x\n"
                  "  ret void\n}\n");

  if (!compile_fixture_have ("clang") || !compile_fixture_have ("llc") ||
      !compile_fixture_have ("ld.lld") || !compile_fixture_have ("llvm-nm"))
    return FALSE;

  g_free (compile_fixture_run ("clang", "-x", "cl", "--target=amdgcn-amd-amdhsa", "-mcpu=gfx906",
                               "-nogpulib", "-O2", "-c", cl, "-o", cl_object, NULL));
  g_free (compile_fixture_run ("llc", "-mtriple=amdgcn-amd-amdhsa", "-mcpu=gfx1030",
                               "-filetype=obj", ll, "-o", ll_object, NULL));
  return TRUE;
}

static void
test_link (CompileFixture *self,
           gconstpointer   data)
{
  static const char * const names[] = { "add_one", "twice" };
  g_autofree char *first = compile_fixture_path (self, "a k.o");
  g_autofree char *second = compile_fixture_path (self, "b.o");
  g_autofree char *output = compile_fixture_path (self, "k out.co");
  g_autoptr (GError) error = NULL;

  if (!make_objects (self, first, second))
    return;

  for (gsize i = 0; i < 2; i++)
    {
      g_autofree char *symbols = NULL;
      GAsyncResult *result = NULL;

      if (i == 0)
        {
          g_assert_true (tvm_rocm_link (first, output, NULL, NULL, &error));
        }
      else
        {
          tvm_rocm_link_async (second, output, "ld.lld", NULL, compile_fixture_ready, &result);
          g_assert_null (result);
          g_assert_true (tvm_rocm_link_finish (compile_fixture_wait (&result), &error));
          g_object_unref (result);
        }
      g_assert_no_error (error);
      symbols = compile_fixture_run ("llvm-nm", "-D", "--defined-only", output, NULL);
      g_assert_nonnull (strstr (symbols, names[i]));
    }
}

static void
test_link_refused (CompileFixture *self,
                   gconstpointer   data)
{
  g_autofree char *source = compile_fixture_write (
    self, "m.cl", "void missing (global float *x);\n"
                  "kernel void k (global float *x) { missing (x); }\n");
  g_autofree char *object = compile_fixture_path (self, "m.o");
  g_autofree char *output = compile_fixture_write (self, "m.co", "before");
  g_autofree char *kept = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  if (!compile_fixture_have ("clang") || !compile_fixture_have ("ld.lld"))
    return;

  g_free (compile_fixture_run ("clang", "-x", "cl", "--target=amdgcn-amd-amdhsa", "-mcpu=gfx906",
                               "-nogpulib", "-O2", "-c", source, "-o", object, NULL));
  g_assert_false (tvm_rocm_link (object, output, NULL, NULL, &error));
  assert_says (error, TVM_ERROR_LINK_FAILED, "missing");
  g_assert_nonnull (strstr (error->message, "--no-undefined -shared"));
  g_clear_error (&error);
  g_assert_false (tvm_rocm_link ("/no/such.o", output, NULL, NULL, &error));
  assert_says (error, TVM_ERROR_LINK_FAILED, "/no/such.o");
  g_clear_error (&error);
  g_assert_false (tvm_rocm_link (object, output, "no-such-lld", NULL, &error));
  assert_says (error, TVM_ERROR_NOT_FOUND, "no-such-lld");
  g_clear_error (&error);
  g_assert_false (tvm_rocm_link (object, "/no/such/folder/m.co", NULL, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_clear_error (&error);

  g_cancellable_cancel (cancellable);
  g_assert_false (tvm_rocm_link (object, output, NULL, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_true (g_file_get_contents (output, &kept, NULL, NULL));
  g_assert_cmpstr (kept, ==, "before");
}

static gboolean
cancel (gpointer user_data)
{
  g_cancellable_cancel (user_data);
  return G_SOURCE_REMOVE;
}

/* In the middle of a linker that hangs */
static void
test_link_cancelled (CompileFixture *self,
                     gconstpointer   data)
{
  g_autofree char *lld = put_program (self, "hang", "#!/bin/sh\nsleep 1000 & wait\n");
  g_autofree char *output = compile_fixture_path (self, "never.co");
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  GAsyncResult *result = NULL;
  g_autoptr (GError) error = NULL;

  g_timeout_add (50, cancel, cancellable);
  tvm_rocm_link_async (lld, output, lld, cancellable, compile_fixture_ready, &result);
  g_assert_false (tvm_rocm_link_finish (compile_fixture_wait (&result), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_object_unref (result);
  g_assert_false (compile_fixture_exists (self, "never.co"));
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  compile_fixture_add ("/rocm/versions", test_versions);
  compile_fixture_add ("/rocm/matrix-cores", test_matrix_cores);
  compile_fixture_add ("/rocm/paths", test_paths);
  compile_fixture_add ("/rocm/bitcode", test_bitcode);
  compile_fixture_add ("/rocm/arch", test_arch);
  compile_fixture_add ("/rocm/no-gpu", test_no_gpu);
  compile_fixture_add ("/rocm/link", test_link);
  compile_fixture_add ("/rocm/link-refused", test_link_refused);
  compile_fixture_add ("/rocm/link-cancelled", test_link_cancelled);

  return g_test_run ();
}
