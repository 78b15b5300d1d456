/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "compile-fixture.h"

#include "tvmsupport/toolchain/tvm-xcode.h"
#include "tvmsupport/tvm-error.h"

#include <glib/gstdio.h>
#include <string.h>

/*
 * Outside of macOS there is no Xcode: the xcrun here is a script. The clang and the linker that it
 * finds are real, so what they make is real Mach-O. Its metal, metallib and coremlcompiler are fakes
 * that copy their input, and refuse it if it says “broken”: nothing real exists.
 */
static const char xcrun[] =
  "#!/bin/sh\n"
  "here=$(dirname \"$0\")\n"
  "[ -z \"$FAKE_XCRUN_HANG\" ] || exec sleep 1000\n"
  "[ \"$1\" != -sdk ] || { sdk=$2; shift 2; }\n"
  "output () { while [ \"$1\" != -o ]; do shift; done; printf %s \"$2\"; }\n"
  "case $1 in\n"
  "  -find) [ \"$2\" != clang ] || { echo \"$here/tool chain/clang\"; exit; } ;;\n"
  "  --show-sdk-path)\n"
  "    case $sdk in macosx*) echo \"$here/MacOSX11.0.sdk\" ;; iphoneos*) echo \"$here/iPhoneOS13.0.sdk\" ;;\n"
  "      *) echo \"$here/iPhoneSimulator13.0.sdk\" ;; esac\n"
  "    exit ;;\n"
  "  metal)\n"
  "    echo \"$sdk $*\" > \"$here/metal-was\"\n"
  "    for word; do [ \"${word%.metal}\" = \"$word\" ] || source=$word; done\n"
  "    ! grep -q broken \"$source\" || { echo \"$source:1:1: error: broken\" >&2; exit 1; }\n"
  "    exec cp \"$source\" \"$(output \"$@\")\" ;;\n"
  "  metallib)\n"
  "    ! grep -q unlinkable \"$2\" || { echo 'air-lld: error: unlinkable' >&2; exit 1; }\n"
  "    { printf MTLB; cat \"$2\"; } > \"$(output \"$@\")\"; exit ;;\n"
  "  coremlcompiler)\n"
  "    ! grep -q broken \"$3\" || { echo 'coremlc: error: broken' >&2; exit 1; }\n"
  "    ! grep -q nothing \"$3\" || exit 0\n"
  "    base=$(basename \"$3\"); made=$4/${base%.*}.mlmodelc\n"
  "    mkdir \"$made\" && cp \"$3\" \"$made/model.espresso.net\"; exit ;;\n"
  "esac\n"
  "echo \"xcrun: error: unable to find utility \\\"$2\\\", not a developer tool or in PATH\" >&2\n"
  "exit 72\n";

static const char clang[] =
  "#!/bin/sh\n"
  "PATH=$PATH:/usr/lib/llvm-14/bin exec clang --target=arm64-apple-darwin -fuse-ld=lld \"$@\"\n";

static const char library_stub[] =
  "--- !tapi-tbd\n"
  "tbd-version: 4\n"
  "targets: [ arm64-macos, arm64-ios, arm64-ios-simulator, x86_64-macos ]\n"
  "install-name: '/usr/lib/libSystem.B.dylib'\n"
  "exports:\n"
  "  - targets: [ arm64-macos, arm64-ios, arm64-ios-simulator, x86_64-macos ]\n"
  "    symbols: [ dyld_stub_binder, _puts ]\n"
  "...\n";

static char *saved_path;

static void
make_folder (CompileFixture *self,
             const char     *name)
{
  g_autofree char *path = compile_fixture_path (self, name);

  g_assert_cmpint (g_mkdir_with_parents (path, 0755), ==, 0);
}

static void
put (CompileFixture *self,
     const char     *name,
     const char     *text)
{
  g_autofree char *path = compile_fixture_write (self, name, text);

  g_assert_no_errno (g_chmod (path, 0755));
}

static void
set_up (CompileFixture *self,
        gconstpointer   data)
{
  g_autofree char *path = NULL;

  compile_fixture_set_up (self, data);
  make_folder (self, "tool chain");
  make_folder (self, "MacOSX11.0.sdk/usr/lib");
  make_folder (self, "iPhoneOS13.0.sdk/usr/lib");
  make_folder (self, "iPhoneSimulator13.0.sdk/usr/lib");
  put (self, "xcrun", xcrun);
  put (self, "tool chain/clang", clang);
  put (self, "MacOSX11.0.sdk/usr/lib/libSystem.tbd", library_stub);
  put (self, "iPhoneOS13.0.sdk/usr/lib/libSystem.tbd", library_stub);
  put (self, "iPhoneSimulator13.0.sdk/usr/lib/libSystem.tbd", library_stub);

  saved_path = g_strdup (g_getenv ("PATH"));
  path = g_strconcat (self->folder, ":", saved_path, NULL);
  g_setenv ("PATH", path, TRUE);
}

static void
tear_down (CompileFixture *self,
           gconstpointer   data)
{
  g_setenv ("PATH", saved_path, TRUE);
  g_clear_pointer (&saved_path, g_free);
  compile_fixture_tear_down (self, data);
}

static void
assert_error (GError     *error,
              int         code,
              const char *says)
{
  g_assert_error (error, TVM_ERROR, code);
  if (strstr (error->message, says) == NULL)
    g_error ("“%s” is not in “%s”", says, error->message);
}

static void
test_xcrun (CompileFixture *self,
            gconstpointer   data)
{
  static const char * const find_clang[] = { "-sdk", "macosx", "-find", "clang", NULL };
  static const char * const find_metal[] = { "-sdk", "macosx", "-find", "metal", NULL };
  g_autofree char *expected = compile_fixture_path (self, "tool chain/clang");
  g_autofree char *found = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) none_error = NULL;

  found = tvm_xcode_xcrun (find_clang, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (found, ==, expected);

  /* The seed takes the text of the error for the path. */
  g_assert_null (tvm_xcode_xcrun (find_metal, NULL, &error));
  assert_error (error, TVM_ERROR_FAILED, "unable to find utility \"metal\"");
  g_assert_nonnull (strstr (error->message, "exit status 72"));

  g_setenv ("PATH", saved_path, TRUE);
  g_assert_null (tvm_xcode_xcrun (find_clang, NULL, &none_error));
  assert_error (none_error, TVM_ERROR_NOT_FOUND, "xcrun");
}

static gboolean
have_lld (void)
{
  return compile_fixture_have ("clang") && compile_fixture_have ("ld.lld") &&
         compile_fixture_have ("llvm-objdump");
}

static void
test_dylib (CompileFixture *self,
            gconstpointer   data)
{
  static const struct { const char *sdk; const char *version; const char *shows[2]; } cases[] = {
    { "macosx", NULL, { "platform macos", "minos 11.0" } },
    { "macosx11.0", "12.3", { "platform macos", "minos 12.3" } },
    { "iphoneos", NULL, { "platform ios\n", "minos 13.0" } },
    { "iphoneos", "14.2", { "platform ios\n", "minos 14.2" } },
    { "iphonesimulator", "14.2", { "platform iossimulator", "minos 14.2" } },
  };
  static const char * const options[] = { "-O2", "-DVALUE=3", NULL };
  g_autofree char *source =
    compile_fixture_write (self, "a file.c", "int puts (const char *);\nint other (void);\n"
                                             "int three (void) { puts (\"\"); return VALUE + other (); }");
  const char * const objects[] = { source, NULL };
  g_autofree char *output = compile_fixture_path (self, "lib x.dylib");

  if (!have_lld ())
    return;

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (TvmCompileResult) result = NULL;
      g_autofree char *shown = NULL;
      g_autofree char *symbols = NULL;
      g_autoptr (GError) error = NULL;

      result = tvm_xcode_create_dylib (output, objects, "arm64", cases[i].sdk, cases[i].version,
                                       options, NULL, &error);
      g_assert_no_error (error);
      g_assert_cmpstr (tvm_compile_result_get_output (result), ==, output);
      shown = compile_fixture_run ("llvm-objdump", "--macho", "--private-headers", output, NULL);
      g_assert_nonnull (strstr (shown, "DYLIB"));
      g_assert_nonnull (strstr (shown, "ARM64"));
      /* Where it is in the end, not where it was written at first */
      g_assert_null (strstr (shown, ".tvm-stage"));
      g_assert_nonnull (strstr (shown, output));
      for (gsize j = 0; j < 2; j++)
        {
          if (strstr (shown, cases[i].shows[j]) == NULL)
            g_error ("%s: no “%s” in: %s", cases[i].sdk, cases[i].shows[j], shown);
        }
      symbols = compile_fixture_run ("llvm-nm", "-gU", output, NULL);
      g_assert_nonnull (strstr (symbols, "T _three"));
    }
}

static void
test_refused (CompileFixture *self,
              gconstpointer   data)
{
  g_autofree char *source = compile_fixture_write (self, "a.c", "int f (void) { return missing; }");
  const char * const objects[] = { source, NULL };
  g_autofree char *output = compile_fixture_path (self, "lib.dylib");
  g_autoptr (GError) error = NULL;

  g_assert_null (tvm_xcode_create_dylib (output, objects, "arm64", "beos", NULL, NULL, NULL, &error));
  assert_error (error, TVM_ERROR_INVALID_ARGUMENT, "beos");
  g_clear_error (&error);

  if (!have_lld ())
    return;
  g_assert_null (tvm_xcode_create_dylib (output, objects, "arm64", "macosx", NULL, NULL, NULL,
                                         &error));
  assert_error (error, TVM_ERROR_COMPILE_FAILED, "missing");
  g_assert_false (compile_fixture_exists (self, "lib.dylib"));
}

static void
test_metal (CompileFixture *self,
            gconstpointer   data)
{
  static const char * const options[] = { "-std=metal3.0", NULL };
  g_autofree char *target = compile_fixture_path (self, "my lib;.metallib");
  g_autofree char *was_path = compile_fixture_path (self, "metal-was");
  g_autofree char *was = NULL;
  g_autofree char *written = NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GBytes) more = NULL;
  g_autoptr (GError) error = NULL;

  bytes = tvm_xcode_compile_metal ("kernel 'x' $HOME", target, "macosx", NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes),
                   "MTLBkernel 'x' $HOME", 20);
  g_assert_true (g_file_get_contents (target, &written, NULL, NULL));
  g_assert_cmpstr (written, ==, "MTLBkernel 'x' $HOME");
  g_assert_true (g_file_get_contents (was_path, &was, NULL, NULL));
  g_assert_true (g_str_has_prefix (was, "macosx metal -std=macos-metal2.3 -O3 -c "));
  g_clear_pointer (&was, g_free);

  more = tvm_xcode_compile_metal ("kernel", NULL, "iphonesimulator", "15.0", options, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (g_file_get_contents (was_path, &was, NULL, NULL));
  g_assert_true (g_str_has_prefix (was, "iphonesimulator metal -std=ios-metal2.3 "
                                        "-mios-simulator-version-min=15.0 -O3 -std=metal3.0 -c "));

  g_assert_null (tvm_xcode_compile_metal ("broken", target, "macosx", NULL, NULL, NULL, &error));
  assert_error (error, TVM_ERROR_COMPILE_FAILED, "my_lib.metal:1:1: error: broken");
  g_clear_error (&error);
  g_assert_null (tvm_xcode_compile_metal ("unlinkable", target, "macosx", NULL, NULL, NULL, &error));
  assert_error (error, TVM_ERROR_LINK_FAILED, "air-lld: error: unlinkable");
  g_clear_pointer (&written, g_free);
  g_assert_true (g_file_get_contents (target, &written, NULL, NULL));
  g_assert_cmpstr (written, ==, "MTLBkernel 'x' $HOME");
}

static void
test_coreml (CompileFixture *self,
             gconstpointer   data)
{
  g_autofree char *model = compile_fixture_write (self, "net work.mlmodel", "first");
  g_autofree char *broken = compile_fixture_write (self, "broken.mlmodel", "broken");
  g_autofree char *nothing = compile_fixture_write (self, "nothing.mlmodel", "nothing");
  g_autofree char *out_dir = compile_fixture_path (self, "out");
  g_autofree char *expected = g_build_filename (out_dir, "main.mlmodelc", NULL);
  g_autofree char *inside = g_build_filename (expected, "model.espresso.net", NULL);
  g_autoptr (GError) error = NULL;

  make_folder (self, "out");
  for (guint i = 0; i < 2; i++)
    {
      static const char * const texts[] = { "first", "second" };
      g_autofree char *made = NULL;
      g_autofree char *text = NULL;

      g_free (compile_fixture_write (self, "net work.mlmodel", texts[i]));
      made = tvm_xcode_compile_coreml (model, "main", out_dir, NULL, &error);
      g_assert_no_error (error);
      g_assert_cmpstr (made, ==, expected);
      g_assert_true (g_file_get_contents (inside, &text, NULL, NULL));
      g_assert_cmpstr (text, ==, texts[i]);
      g_assert_cmpuint (compile_fixture_count (out_dir), ==, 1);
    }

  g_assert_null (tvm_xcode_compile_coreml (broken, "main", out_dir, NULL, &error));
  assert_error (error, TVM_ERROR_COMPILE_FAILED, "coremlc: error: broken");
  g_clear_error (&error);
  g_assert_null (tvm_xcode_compile_coreml (nothing, NULL, out_dir, NULL, &error));
  assert_error (error, TVM_ERROR_FAILED, "nothing.mlmodelc");
  g_clear_error (&error);
  g_assert_null (tvm_xcode_compile_coreml (model, "../up", out_dir, NULL, &error));
  assert_error (error, TVM_ERROR_INVALID_ARGUMENT, "../up");
  g_clear_error (&error);
  g_assert_null (tvm_xcode_compile_coreml ("/no/such.mlmodel", NULL, out_dir, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_assert_cmpuint (compile_fixture_count (out_dir), ==, 1);
}

static gboolean
cancel (gpointer user_data)
{
  g_cancellable_cancel (user_data);
  return G_SOURCE_REMOVE;
}

/* Before, and in the middle of, an xcrun that hangs */
static void
test_cancelled (CompileFixture *self,
                gconstpointer   data)
{
  const char * const args[] = { "-find", "clang", NULL };

  g_setenv ("FAKE_XCRUN_HANG", "1", TRUE);
  for (guint i = 0; i < 4; i++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      GAsyncResult *result = NULL;
      g_autoptr (GError) error = NULL;

      if (i % 2 == 0)
        g_cancellable_cancel (cancellable);
      else
        g_timeout_add (50, cancel, cancellable);
      if (i < 2)
        tvm_xcode_xcrun_async (args, cancellable, compile_fixture_ready, &result);
      else
        tvm_xcode_compile_metal_async ("kernel", NULL, "macosx", NULL, NULL, cancellable,
                                       compile_fixture_ready, &result);
      g_assert_null (result);
      if (i < 2)
        g_assert_null (tvm_xcode_xcrun_finish (compile_fixture_wait (&result), &error));
      else
        g_assert_null (tvm_xcode_compile_metal_finish (compile_fixture_wait (&result), &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      g_object_unref (result);
    }
  g_unsetenv ("FAKE_XCRUN_HANG");
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name, func) g_test_add ("/xcode/" name, CompileFixture, NULL, set_up, func, tear_down)
  ADD ("xcrun", test_xcrun);
  ADD ("dylib", test_dylib);
  ADD ("refused", test_refused);
  ADD ("metal", test_metal);
  ADD ("coreml", test_coreml);
  ADD ("cancelled", test_cancelled);
#undef ADD

  return g_test_run ();
}
