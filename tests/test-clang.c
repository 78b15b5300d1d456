/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "compile-fixture.h"

#include "tvmsupport/toolchain/tvm-clang.h"
#include "tvmsupport/tvm-error.h"

#include <glib/gstdio.h>
#include <string.h>

static void
put_program (CompileFixture *self,
             const char     *name)
{
  g_autofree char *path = compile_fixture_write (self, name, "#!/bin/sh\n");
  g_assert_no_errno (g_chmod (path, 0755));
}

static void
test_order (CompileFixture *self,
            gconstpointer   data)
{
  static const char * const expected[] = { "clang", "clang-14", "clang-9" };
  g_autofree char *saved = g_strdup (g_getenv ("PATH"));
  g_autofree char *value = g_strdup_printf (":.:/nonexistent:%s", self->folder);
  g_autofree char *plain = NULL;
  g_auto (GStrv) paths = NULL;
  g_autoptr (GError) error = NULL;
  guint i;

  put_program (self, "clang-9");
  put_program (self, "clang-14");
  put_program (self, "clang");
  put_program (self, "clang-format");
  put_program (self, "clang-format-14");
  put_program (self, "clang-cpp-14");
  plain = compile_fixture_write (self, "clang-15", "no program");
  g_assert_no_errno (g_chmod (plain, 0644));

  g_setenv ("PATH", value, TRUE);
  paths = tvm_clang_find_clang (TRUE, &error);
  g_setenv ("PATH", saved, TRUE);

  g_assert_no_error (error);
  g_assert_cmpuint (g_strv_length (paths), ==, G_N_ELEMENTS (expected));
  for (i = 0; i < G_N_ELEMENTS (expected); i++)
    {
      g_autofree char *path = compile_fixture_path (self, expected[i]);
      g_assert_cmpstr (paths[i], ==, path);
    }
}

static void
test_none (CompileFixture *self,
           gconstpointer   data)
{
  g_autofree char *saved = g_strdup (g_getenv ("PATH"));
  g_auto (GStrv) paths = NULL;
  g_auto (GStrv) none = NULL;
  g_autoptr (GError) error = NULL;

  g_setenv ("PATH", self->folder, TRUE);
  paths = tvm_clang_find_clang (FALSE, &error);
  g_assert_no_error (error);
  none = tvm_clang_find_clang (TRUE, &error);
  g_setenv ("PATH", saved, TRUE);

  g_assert_nonnull (paths);
  g_assert_null (paths[0]);
  g_assert_null (none);
  g_assert_error (error, TVM_ERROR, TVM_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, self->folder));
}

/* Calls the async form and waits in the default context. */
static char *
create_async (const char * const  *inputs,
              const char          *output,
              const char * const  *options,
              GCancellable        *cancellable,
              GError             **error)
{
  GAsyncResult *result = NULL;
  char *text;

  tvm_clang_create_llvm_async (inputs, output, options, "clang", cancellable,
                               compile_fixture_ready, &result);
  g_assert_null (result);
  text = tvm_clang_create_llvm_finish (compile_fixture_wait (&result), error);
  g_object_unref (result);

  return text;
}

static void
test_text (CompileFixture *self,
           gconstpointer   data)
{
  static const char * const inputs[] = { "float f(float x){return x*1.5f;}", NULL };
  static const char * const options[] = { "-O2", "--target=x86_64-linux-gnu", NULL };
  static const char * const c_options[] = { "-x", "c", "-O2", NULL };
  static const char * const c_inputs[] = { "int add (int restrict_, int class) { return class; }",
                                           NULL };
  g_autofree char *output = compile_fixture_path (self, "out put.ir");
  g_autofree char *text = NULL;
  g_autofree char *c_text = NULL;
  g_autofree char *written = NULL;
  g_autoptr (GError) error = NULL;

  if (!compile_fixture_have ("clang"))
    return;

  text = tvm_clang_create_llvm (inputs, output, options, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_nonnull (strstr (text, "@_Z1ff("));
  g_assert_nonnull (strstr (text, "x86_64"));
  g_assert_true (g_file_get_contents (output, &written, NULL, NULL));
  g_assert_cmpstr (written, ==, text);

  c_text = create_async (c_inputs, NULL, c_options, NULL, &error);
  g_assert_no_error (error);
  g_assert_nonnull (strstr (c_text, "@add("));
}

/* Files and texts, C and C++, in one module that runs */
static void
test_many (CompileFixture *self,
           gconstpointer   data)
{
  g_autofree char *c = compile_fixture_write (self, "a file.c", "int half (int x) { return x / 2; }");
  g_autofree char *cxx =
    compile_fixture_write (self, "main.cc", "extern \"C\" int half (int); int twice (int);\n"
                                            "int main () { return half (twice (21)) - 21; }");
  const char * const inputs[] = { c, "int twice (int x) { return 2 * x; }", cxx, NULL };
  g_autofree char *output = compile_fixture_path (self, "all.ll");
  g_autofree char *text = NULL;
  g_autofree char *printed = NULL;
  g_autoptr (GError) error = NULL;

  if (!compile_fixture_have ("clang") || !compile_fixture_have ("lli"))
    return;

  text = tvm_clang_create_llvm (inputs, output, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_nonnull (strstr (text, "@half"));
  g_assert_nonnull (strstr (text, "@_Z5twicei"));
  g_assert_nonnull (strstr (text, "@main"));
  printed = compile_fixture_run ("lli", output, NULL);
  g_assert_cmpstr (printed, ==, "");
}

static void
test_refused (CompileFixture *self,
              gconstpointer   data)
{
  static const struct { const char *inputs[3]; const char *cc; int code; const char *says; }
  cases[] = {
    { { "int good;", "int f () { return missing; }" }, NULL, TVM_ERROR_COMPILE_FAILED, "missing" },
    { { "int f () { return 1; }", "int f () { return 2; }" }, NULL, TVM_ERROR_LINK_FAILED, "_Z1fv" },
    { { "int f;" }, "no-such-clang", TVM_ERROR_NOT_FOUND, "no-such-clang" },
    { { "int f;" }, "gcc", TVM_ERROR_UNSUPPORTED, "gcc" },
    { { NULL }, NULL, TVM_ERROR_INVALID_ARGUMENT, "" },
  };
  static const char * const missing[] = { "no_such_file.cc", NULL };
  g_autofree char *output = compile_fixture_write (self, "out.ll", "before");
  g_autoptr (GError) io_error = NULL;

  if (!compile_fixture_have ("clang") || !compile_fixture_have ("gcc"))
    return;

  g_assert_null (tvm_clang_create_llvm (missing, output, NULL, NULL, NULL, &io_error));
  g_assert_error (io_error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *text = NULL;
      g_autofree char *kept = NULL;
      g_autoptr (GError) error = NULL;

      text = tvm_clang_create_llvm (cases[i].inputs, output, NULL, cases[i].cc, NULL, &error);
      g_assert_null (text);
      g_assert_error (error, TVM_ERROR, cases[i].code);
      if (strstr (error->message, cases[i].says) == NULL)
        g_error ("“%s” is not in “%s”", cases[i].says, error->message);
      g_assert_true (g_file_get_contents (output, &kept, NULL, NULL));
      g_assert_cmpstr (kept, ==, "before");
    }
}

static gboolean
cancel (gpointer user_data)
{
  g_cancellable_cancel (user_data);
  return G_SOURCE_REMOVE;
}

static void
test_cancelled (CompileFixture *self,
                gconstpointer   data)
{
  static const char * const inputs[] = { ENDLESS_CXX, "int other;", NULL };
  static const char * const options[] = { "-std=c++17", "-fconstexpr-steps=2147483647", NULL };
  g_autofree char *output = compile_fixture_path (self, "never.ll");

  if (!compile_fixture_have ("clang"))
    return;

  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      g_autofree char *text = NULL;
      g_autoptr (GError) error = NULL;

      if (i == 0)
        g_cancellable_cancel (cancellable);
      else
        g_timeout_add (100, cancel, cancellable);
      text = create_async (inputs, output, options, cancellable, &error);
      g_assert_null (text);
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      g_assert_false (compile_fixture_exists (self, "never.ll"));
    }
}

static gpointer
thread_with_context (gpointer data)
{
  static const char * const inputs[] = { "int f;", NULL };
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GError) error = NULL;
  GAsyncResult *result = NULL;
  g_autofree char *text = NULL;
  g_autofree char *sync_text = NULL;

  g_main_context_push_thread_default (context);
  tvm_clang_create_llvm_async (inputs, NULL, NULL, NULL, NULL, compile_fixture_ready, &result);
  while (result == NULL)
    g_main_context_iteration (context, TRUE);
  text = tvm_clang_create_llvm_finish (result, &error);
  g_assert_no_error (error);
  g_object_unref (result);
  sync_text = tvm_clang_create_llvm (inputs, NULL, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (text, ==, sync_text);
  g_main_context_pop_thread_default (context);

  return NULL;
}

static void
test_thread (CompileFixture *self,
             gconstpointer   data)
{
  if (compile_fixture_have ("clang"))
    g_thread_join (g_thread_new ("llvm", thread_with_context, NULL));
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  compile_fixture_add ("/clang/order", test_order);
  compile_fixture_add ("/clang/none", test_none);
  compile_fixture_add ("/clang/llvm/text", test_text);
  compile_fixture_add ("/clang/llvm/many", test_many);
  compile_fixture_add ("/clang/llvm/refused", test_refused);
  compile_fixture_add ("/clang/llvm/cancelled", test_cancelled);
  compile_fixture_add ("/clang/llvm/thread", test_thread);

  return g_test_run ();
}
