/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "compile-fixture.h"

#include "tvmsupport/toolchain/tvm-diagnostic.h"
#include "tvmsupport/toolchain/tvm-emcc.h"
#include "tvmsupport/tvm-error.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* emscripten and node of this machine; without them all but the search is skipped. */

#define EXPORTED "#include <emscripten.h>\nEMSCRIPTEN_KEEPALIVE "
#define ADD EXPORTED "int add (int a, int b) { return a + b; }\n"

/* Loads a module, lets whatever it imports answer 5, and prints what a function returns. */
static const char loader[] =
  "const module = new WebAssembly.Module (require ('fs').readFileSync (process.argv[1]));"
  "const imports = {};"
  "for (const entry of WebAssembly.Module.imports (module))"
  "  imports[entry.module] = { ...imports[entry.module], [entry.name]: () => 5 };"
  "const { exports } = new WebAssembly.Instance (module, imports);"
  "exports._initialize?.();"
  "const result = exports[process.argv[2]] (...process.argv.slice (3).map (Number));"
  "const pages = exports.memory?.buffer.byteLength / 65536;"
  "console.log (`${result} ${typeof result} ${pages}`);";

static void
set_up (CompileFixture *self,
        gconstpointer   data)
{
  g_unsetenv ("TVM_HOME");
  g_unsetenv ("TVM_LIBRARY_PATH");
  g_unsetenv ("EMCC_CFLAGS");
  compile_fixture_set_up (self, data);
}

/* FALSE if the test was skipped */
static gboolean
use_emcc (CompileFixture *self)
{
  g_autoptr (GError) error = NULL;

  if (!compile_fixture_have ("emcc") || !compile_fixture_have ("node"))
    return FALSE;

  g_clear_object (&self->compiler);
  self->compiler = tvm_compiler_new_emcc (NULL, &error);
  g_assert_no_error (error);
  return TRUE;
}

/* Returns: (transfer full): "result type pages" */
static char *
call (CompileFixture *self,
      const char     *module,
      const char     *function,
      const char     *argument)
{
  g_autofree char *path = compile_fixture_path (self, module);
  char *said = compile_fixture_run ("node", "-e", loader, path, function, argument, "2", NULL);

  return g_strchomp (said);
}

static void
assert_call (CompileFixture *self,
             const char     *module,
             const char     *function,
             const char     *argument,
             const char     *expected)
{
  g_autofree char *said = call (self, module, function, argument);
  g_auto (GStrv) words = g_strsplit (said, " ", 2);

  g_assert_cmpstr (words[0], ==, expected);
}

static TvmCompileRequest *
new_request (CompileFixture *self,
             TvmCompileKind  kind,
             const char     *name,
             const char     *text,
             const char     *output)
{
  g_autofree char *source = compile_fixture_write (self, name, text);

  return compile_fixture_request (self, kind, source, output);
}

static void
make (CompileFixture *self,
      TvmCompileKind  kind,
      const char     *name,
      const char     *text,
      const char     *output)
{
  g_autoptr (TvmCompileRequest) request = new_request (self, kind, name, text, output);
  g_autoptr (TvmCompileResult) result = compile_fixture_compile (self, request);

  compile_fixture_assert_ok (result);
}

static void
test_find_emcc (CompileFixture *self,
                gconstpointer   data)
{
  static const char * const variables[] = { "EMSDK", "EMSCRIPTEN_ROOT", "EMSCRIPTEN" };
  g_autofree char *path = g_strdup (g_getenv ("PATH"));
  g_autofree char *folder = compile_fixture_path (self, "sdk/upstream/emscripten");
  g_autofree char *sdk = compile_fixture_path (self, "sdk");
  g_autofree char *program = g_build_filename (folder, "emcc", NULL);
  g_autoptr (TvmCompiler) compiler = NULL;
  g_autoptr (GError) error = NULL;

  for (gsize i = 0; i < G_N_ELEMENTS (variables); i++)
    g_unsetenv (variables[i]);
  g_setenv ("PATH", "/nonexistent", TRUE);
  g_assert_null (tvm_emcc_find_emcc (&error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, "/nonexistent"));
  g_assert_nonnull (strstr (error->message, "EMSDK is not set"));
  g_assert_nonnull (strstr (error->message, "/usr/lib/emscripten/emcc"));
  g_clear_error (&error);
  g_assert_null (tvm_compiler_new_emcc (NULL, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_NOT_FOUND);
  g_clear_error (&error);

  /* A program that cannot be run is none. */
  g_assert_cmpint (g_mkdir_with_parents (folder, 0700), ==, 0);
  g_assert_true (g_file_set_contents (program, "#!/bin/sh\n", -1, NULL));
  g_setenv ("EMSDK", sdk, TRUE);
  g_assert_null (tvm_emcc_find_emcc (&error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, program));
  g_clear_error (&error);

  g_assert_cmpint (g_chmod (program, 0700), ==, 0);
  compiler = tvm_compiler_new_emcc (NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (tvm_compiler_get_command (compiler), !=, NULL);
  g_assert_nonnull (strstr (tvm_compiler_get_command (compiler), program));
  g_assert_cmpstr (tvm_compiler_get_output_format (compiler), ==, "wasm");

  g_unsetenv ("EMSDK");
  g_setenv ("PATH", path, TRUE);
}

static void
test_find_wasm_lib (CompileFixture *self,
                    gconstpointer   data)
{
  static const char * const folders[] = { "a", "b", "home/web/dist/wasm", "home/web/dist" };
  g_autofree char *home = compile_fixture_path (self, "home");
  g_autofree char *library_path = g_strdup_printf ("%s/a::%s/b", self->folder, self->folder);
  g_auto (GStrv) found = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_null (tvm_emcc_find_wasm_lib ("x.bc", &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, "x.bc"));
  g_assert_nonnull (strstr (error->message, "TVM_LIBRARY_PATH is not set"));
  g_assert_nonnull (strstr (error->message, "TVM_HOME is not set"));
  g_clear_error (&error);

  g_setenv ("TVM_HOME", home, TRUE);
  g_setenv ("TVM_LIBRARY_PATH", library_path, TRUE);
  for (gsize i = 0; i < G_N_ELEMENTS (folders); i++)
    {
      g_autofree char *folder = compile_fixture_path (self, folders[i]);
      g_autofree char *place = g_build_filename (folder, "x.bc", NULL);

      /* Every place is said, and a directory of that name is no file. */
      g_assert_null (tvm_emcc_find_wasm_lib ("x.bc", &error));
      g_assert_nonnull (strstr (error->message, place));
      g_clear_error (&error);
      g_assert_cmpint (g_mkdir_with_parents (place, 0700), ==, 0);
    }
  for (gsize i = G_N_ELEMENTS (folders); i-- > 0;)
    {
      g_autofree char *folder = compile_fixture_path (self, folders[i]);
      g_autofree char *place = g_build_filename (folder, "x.bc", NULL);

      g_assert_cmpint (g_rmdir (place), ==, 0);
      g_assert_true (g_file_set_contents (place, "", 0, NULL));
      g_strfreev (found);
      found = tvm_emcc_find_wasm_lib ("x.bc", &error);
      g_assert_no_error (error);
      g_assert_cmpstr (found[0], ==, place);
      g_assert_cmpuint (g_strv_length (found), ==, G_N_ELEMENTS (folders) - i);
    }
}

static void
test_toolchain (CompileFixture *self,
                gconstpointer   data)
{
  g_autoptr (TvmToolchain) toolchain = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *archiver = NULL;

  if (!use_emcc (self))
    return;

  toolchain = tvm_compiler_load_toolchain (self->compiler, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (tvm_toolchain_get_family (toolchain), ==, TVM_TOOLCHAIN_FAMILY_EMCC);
  g_assert_true (g_str_has_prefix (tvm_toolchain_get_target_triple (toolchain), "wasm32-"));
  g_assert_true (g_ascii_isdigit (tvm_toolchain_get_version (toolchain)[0]));
  archiver = tvm_toolchain_find_tool (toolchain, "ar", &error);
  g_assert_no_error (error);
  g_assert_true (g_str_has_suffix (archiver, "emar"));
}

/* What is wrong with the environment is what the user reads, and is not kept in mind. */
static void
test_environment (CompileFixture *self,
                  gconstpointer   data)
{
  g_autoptr (TvmCompileRequest) request = NULL;
  g_autoptr (TvmCompileResult) result = NULL;
  g_autoptr (TvmCompileResult) again = NULL;
  g_autoptr (TvmToolchain) toolchain = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *command = NULL;

  if (!use_emcc (self))
    return;

  /* A command of its own, so that nothing is known of it yet */
  command = g_strdup_printf ("%s -DNOTHING", tvm_compiler_get_command (self->compiler));
  g_clear_object (&self->compiler);
  self->compiler = tvm_compiler_new_emcc (command, NULL);
  g_setenv ("EMCC_CFLAGS", "--no-such-option", TRUE);
  request = new_request (self, TVM_COMPILE_KIND_WASM, "add.c", ADD, "add.wasm");
  result = compile_fixture_compile (self, request);
  g_assert_false (tvm_compile_result_check (result, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_COMPILE_FAILED);
  g_assert_nonnull (strstr (error->message, "--no-such-option"));

  g_unsetenv ("EMCC_CFLAGS");
  g_clear_object (&self->compiler);
  self->compiler = tvm_compiler_new_emcc (command, NULL);
  again = compile_fixture_compile (self, request);
  compile_fixture_assert_ok (again);
  toolchain = tvm_compiler_load_toolchain (self->compiler, NULL, NULL);
  g_assert_nonnull (tvm_toolchain_get_version (toolchain));
}

/* C and C++, the name of the output says nothing, and the bytes are the file. */
static void
test_module (CompileFixture *self,
             gconstpointer   data)
{
  const char * const options[] = { "-O1", "-s", "STANDALONE_WASM=1", NULL };
  g_autoptr (TvmCompileRequest) request = NULL;
  g_autoptr (TvmCompileResult) result = NULL;
  g_autoptr (TvmCompileResult) in_memory = NULL;
  g_autofree char *twice = NULL;

  if (!use_emcc (self))
    return;

  twice = compile_fixture_write (self, "twice.cc",
                                 "#include <emscripten.h>\n#include <string>\n"
                                 "extern \"C\" int add (int, int);\n"
                                 "extern \"C\" EMSCRIPTEN_KEEPALIVE int twice (int a)\n"
                                 "{ std::string s (a, 'x'); return add (s.size (), a); }\n");
  request = new_request (self, TVM_COMPILE_KIND_WASM, "add.c", ADD, "module.so");
  tvm_compile_request_add_input (request, twice, TVM_LANGUAGE_AUTO);
  tvm_compile_request_set_options (request, options);
  result = compile_fixture_compile (self, request);
  compile_fixture_assert_ok (result);
  assert_call (self, "module.so", "twice", "21", "42");
  g_assert_cmpuint (compile_fixture_count (self->folder), ==, 4);

  tvm_compile_request_set_output (request, NULL);
  in_memory = compile_fixture_compile (self, request);
  compile_fixture_assert_ok (in_memory);
  g_assert_true (memcmp (g_bytes_get_data (tvm_compile_result_get_bytes (in_memory), NULL),
                         "\0asm", 4) == 0);
}

/* An archive and bitcode are linked, a program runs, a side module is one. */
static void
test_other_kinds (CompileFixture *self,
                  gconstpointer   data)
{
  const char * const environ_[] = { "NODE_PATH=/usr/share/nodejs", NULL };
  g_autofree char *archive = compile_fixture_path (self, "libadd.a");
  g_autofree char *program_path = compile_fixture_path (self, "program");
  g_autofree char *side = compile_fixture_path (self, "side.so");
  g_autofree char *said = NULL;
  g_autofree char *contents = NULL;
  g_autoptr (TvmCompileRequest) request = NULL;
  g_autoptr (TvmCompileResult) result = NULL;
  g_autoptr (TvmCompileRequest) program = NULL;
  g_autoptr (TvmCompileResult) made = NULL;
  gsize size;

  if (!use_emcc (self))
    return;

  make (self, TVM_COMPILE_KIND_STATIC, "add.c", "int add (int a, int b) { return a + b; }\n",
        "libadd.a");
  make (self, TVM_COMPILE_KIND_LLVM_IR, "inc.c",
        EXPORTED "int inc (int a) { extern int add (int, int); return add (a, 1); }\n", "inc.bc");
  g_clear_pointer (&said, g_free);
  said = compile_fixture_path (self, "inc.bc");
  request = compile_fixture_request (self, TVM_COMPILE_KIND_WASM, said, "inc.wasm");
  tvm_compile_request_add_input (request, archive, TVM_LANGUAGE_AUTO);
  result = compile_fixture_compile (self, request);
  compile_fixture_assert_ok (result);
  assert_call (self, "inc.wasm", "inc", "41", "42");

  make (self, TVM_COMPILE_KIND_SHARED, "side.c", ADD, "side.so");
  g_assert_true (g_file_get_contents (side, &contents, &size, NULL));
  g_assert_true (memcmp (contents, "\0asm", 4) == 0);
  g_assert_nonnull (memmem (contents, size, "dylink", strlen ("dylink")));

  program = new_request (self, TVM_COMPILE_KIND_EXECUTABLE, "program.c",
                         "#include <stdio.h>\nint main (void) { puts (\"hello\"); return 0; }\n",
                         "program");
  tvm_compile_request_set_environ (program, environ_);
  made = compile_fixture_compile (self, program);
  compile_fixture_assert_ok (made);
  g_free (said);
  said = compile_fixture_run ("node", program_path, NULL);
  g_assert_cmpstr (said, ==, "hello\n");
}

/* What is wrong is told by the first error, and what it was said by last is no second one. */
static void
test_diagnostics (CompileFixture *self,
                  gconstpointer   data)
{
  const char * const setting[] = { "-sNO_SUCH_SETTING=1", NULL };
  g_autoptr (TvmCompileRequest) bad = NULL;
  g_autoptr (TvmCompileResult) bad_result = NULL;
  g_autoptr (TvmCompileRequest) undefined = NULL;
  g_autoptr (TvmCompileResult) undefined_result = NULL;
  g_autoptr (TvmCompileRequest) wrong = NULL;
  g_autoptr (TvmCompileResult) wrong_result = NULL;
  g_autoptr (TvmDiagnostic) first = NULL;
  g_autoptr (GError) error = NULL;

  if (!use_emcc (self))
    return;

  bad = new_request (self, TVM_COMPILE_KIND_OBJECT, "bad.c",
                     "#warning here\nint f (void) { return nothing; }\n", "bad.o");
  bad_result = compile_fixture_compile (self, bad);
  g_assert_cmpuint (tvm_compile_result_get_n_errors (bad_result), ==, 1);
  g_assert_cmpuint (tvm_compile_result_get_n_warnings (bad_result), ==, 1);
  first = g_list_model_get_item (tvm_compile_result_get_diagnostics (bad_result), 1);
  g_assert_cmpuint (tvm_diagnostic_get_line (first), ==, 2);
  g_assert_cmpuint (tvm_diagnostic_get_column (first), ==, 23);
  g_assert_nonnull (strstr (tvm_diagnostic_get_message (first), "nothing"));

  undefined = new_request (self, TVM_COMPILE_KIND_WASM, "undefined.c",
                           EXPORTED "int f (void) { extern int missing (void);"
                           " return missing (); }\n", "undefined.wasm");
  undefined_result = compile_fixture_compile (self, undefined);
  g_assert_cmpuint (tvm_compile_result_get_n_errors (undefined_result), ==, 1);
  g_assert_false (tvm_compile_result_check (undefined_result, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_LINK_FAILED);
  g_assert_nonnull (strstr (error->message, "undefined.c.o"));
  g_assert_nonnull (strstr (error->message, "undefined symbol: missing"));
  g_assert_false (compile_fixture_exists (self, "undefined.wasm"));
  g_clear_error (&error);

  wrong = new_request (self, TVM_COMPILE_KIND_WASM, "add.c", ADD, "wrong.wasm");
  tvm_compile_request_set_options (wrong, setting);
  wrong_result = compile_fixture_compile (self, wrong);
  g_assert_false (tvm_compile_result_check (wrong_result, &error));
  g_assert_nonnull (strstr (error->message, "NO_SUCH_SETTING"));
}

/* More than a command line can hold */
static void
test_many_objects (CompileFixture *self,
                   gconstpointer   data)
{
  static const guint n = 12000;
  const char * const options[] = { "-sSTANDALONE_WASM=1", NULL };
  g_autofree char *archive = NULL;
  g_autoptr (TvmCompileRequest) request = NULL;
  g_autoptr (TvmCompileResult) result = NULL;
  char folder[180];

  if (!use_emcc (self))
    return;

  make (self, TVM_COMPILE_KIND_STATIC, "unused.c", "int unused;\n", "libunused.a");
  memset (folder, 'a', sizeof folder);
  folder[sizeof folder - 1] = '\0';
  request = new_request (self, TVM_COMPILE_KIND_WASM, "add.c", ADD, "many.wasm");
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *name = g_strdup_printf ("%s-%u.a", folder, i);
      g_autofree char *target = compile_fixture_path (self, "libunused.a");
      g_autofree char *link = compile_fixture_path (self, name);

      g_assert_cmpint (symlink (target, link), ==, 0);
      tvm_compile_request_add_input (request, link, TVM_LANGUAGE_AUTO);
    }
  tvm_compile_request_set_options (request, options);
  result = compile_fixture_compile (self, request);
  compile_fixture_assert_ok (result);
  assert_call (self, "many.wasm", "add", "40", "42");
}

typedef struct
{
  char *fifo;
  int fd;
  GCancellable *cancellable;
} Trap;

/* Once somebody reads the header, clang is at work below emcc. */
static gboolean
spring (gpointer data)
{
  Trap *trap = data;

  trap->fd = open (trap->fifo, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
  if (trap->fd < 0)
    return G_SOURCE_CONTINUE;

  g_cancellable_cancel (trap->cancellable);
  return G_SOURCE_REMOVE;
}

/* emcc is a script that runs a Python that runs clang: all of them end, and nothing is left. */
static void
test_cancel (CompileFixture *self,
             gconstpointer   data)
{
  g_autofree char *fifo = compile_fixture_path (self, "endless.h");
  g_autofree char *output = NULL;
  g_autofree char *contents = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (TvmCompileRequest) request = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (TvmCompileResult) late = NULL;
  g_autoptr (GError) error = NULL;
  Trap trap = { fifo, -1, cancellable };

  if (!use_emcc (self))
    return;

  output = compile_fixture_write (self, "out.wasm", "old");
  g_assert_cmpint (mkfifo (fifo, 0600), ==, 0);
  request = new_request (self, TVM_COMPILE_KIND_WASM, "endless.c", "#include \"endless.h\"\n",
                         "out.wasm");
  g_timeout_add (20, spring, &trap);
  tvm_compiler_compile_async (self->compiler, request, cancellable, compile_fixture_ready, &result);
  compile_fixture_wait (&result);
  g_assert_null (tvm_compiler_compile_finish (self->compiler, result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpint (trap.fd, >=, 0);
  close (trap.fd);
  g_assert_true (g_file_get_contents (output, &contents, NULL, NULL));
  g_assert_cmpstr (contents, ==, "old");

  /* The clock ends it, too. */
  tvm_compile_request_set_timeout (request, 1000);
  late = compile_fixture_compile (self, request);
  g_assert_true (tvm_compile_result_get_timed_out (late));
}

static void
assert_cache (CompileFixture    *self,
              TvmCompileRequest *request,
              TvmCacheStatus     expected)
{
  g_autoptr (TvmCompileResult) result = compile_fixture_compile (self, request);

  compile_fixture_assert_ok (result);
  if (tvm_compile_result_get_cache_status (result) != expected)
    g_error ("%d: %s", tvm_compile_result_get_cache_status (result),
             tvm_compile_result_get_cache_reason (result));
}

static void
test_cache (CompileFixture *self,
            gconstpointer   data)
{
  g_autofree char *directory = compile_fixture_path (self, "cache");
  g_autofree char *header = NULL;
  g_autoptr (TvmKernelCache) cache = tvm_kernel_cache_new (directory);
  g_autoptr (TvmCompileRequest) request = NULL;

  if (!use_emcc (self))
    return;

  tvm_compiler_set_cache (self->compiler, cache);
  header = compile_fixture_write (self, "value.h", "#define VALUE 1\n");
  request = new_request (self, TVM_COMPILE_KIND_OBJECT, "value.c",
                         "#include \"value.h\"\nint value = VALUE;\n", "value.o");
  assert_cache (self, request, TVM_CACHE_STATUS_MISS);
  assert_cache (self, request, TVM_CACHE_STATUS_HIT);
  g_free (header);
  header = compile_fixture_write (self, "value.h", "#define VALUE 22\n");
  assert_cache (self, request, TVM_CACHE_STATUS_MISS);
}

/* Stands for TVM's own: each part defines what the module needs, and the first needs what tvmjs
 * provides. The second is bitcode, the others are objects, as TVM's build makes them. */
static void
add_runtime (CompileFixture *self)
{
  g_autofree char *folder = compile_fixture_path (self, "home/web/dist/wasm");

  g_assert_cmpint (g_mkdir_with_parents (folder, 0700), ==, 0);
  make (self, TVM_COMPILE_KIND_OBJECT, "wasm_runtime.c",
        EXPORTED "int runtime (void)\n"
        "{ extern int TVMWasmPackedCFunc (void); return TVMWasmPackedCFunc (); }\n",
        "home/web/dist/wasm/wasm_runtime.bc");
  make (self, TVM_COMPILE_KIND_LLVM_IR, "tvmjs_support.c", "int support (void) { return 30; }\n",
        "home/web/dist/wasm/tvmjs_support.bc");
  make (self, TVM_COMPILE_KIND_OBJECT, "webgpu_runtime.c", "int webgpu (void) { return 7; }\n",
        "home/web/dist/webgpu_runtime.bc");
}

#define USES_RUNTIME                                                                               \
  EXPORTED "int f (void)\n"                                                                        \
  "{ extern int runtime (void), support (void), webgpu (void);\n"                                  \
  "return runtime () + support () + webgpu (); }\n"                                                \
  "EMSCRIPTEN_KEEPALIVE long long big (void) { return 1; }\n"

static void
test_tvmjs (CompileFixture *self,
            gconstpointer   data)
{
  const char * const options[] = { "-s", "INITIAL_MEMORY=32MB", NULL };
  const char * const none[] = { NULL };
  g_autofree char *home = compile_fixture_path (self, "home");
  g_autofree char *output = compile_fixture_path (self, "module.wasm");
  g_autofree char *object = compile_fixture_path (self, "f.o");
  g_autofree char *library = compile_fixture_path (self, "webgpu_runtime.bc");
  g_autofree char *source = NULL;
  g_autofree char *said = NULL;
  g_autofree char *big = NULL;
  const char * const objects[] = { object, NULL };
  const char * const libs[] = { library, NULL };
  g_autoptr (TvmCompileResult) found = NULL;
  g_autoptr (TvmCompileResult) given = NULL;
  g_autoptr (TvmCompileResult) declined = NULL;
  g_autoptr (GError) error = NULL;

  if (!use_emcc (self))
    return;

  add_runtime (self);
  make (self, TVM_COMPILE_KIND_OBJECT, "f.c", USES_RUNTIME, "f.o");

  g_assert_null (tvm_emcc_create_tvmjs_wasm (output, objects, NULL, NULL, NULL, NULL, NULL,
                                             &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, "TVM_HOME is not set"));
  g_clear_error (&error);

  g_setenv ("TVM_HOME", home, TRUE);
  found = tvm_emcc_create_tvmjs_wasm (output, objects, NULL, NULL, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (tvm_compile_result_get_output (found), ==, output);
  said = call (self, "module.wasm", "f", "0");
  g_assert_cmpstr (said, ==, "42 number 2560");
  big = call (self, "module.wasm", "big", "0");
  g_assert_cmpstr (big, ==, "1 bigint 2560");

  /* One that is given is not looked for, and the options of the caller win. */
  make (self, TVM_COMPILE_KIND_OBJECT, "other.c", "int webgpu (void) { return 8; }\n",
        "webgpu_runtime.bc");
  given = tvm_emcc_create_tvmjs_wasm (output, objects, options, "emcc", libs, NULL, NULL, &error);
  g_assert_no_error (error);
  g_free (said);
  said = call (self, "module.wasm", "f", "0");
  g_assert_cmpstr (said, ==, "43 number 512");

  g_unsetenv ("TVM_HOME");
  source = compile_fixture_write (self, "add.c", ADD);
  declined = tvm_emcc_create_tvmjs_wasm (output, (const char * const []) { source, NULL }, NULL,
                                         NULL, NULL, none, NULL, &error);
  g_assert_no_error (error);
  assert_call (self, "module.wasm", "add", "40", "42");
}

/* What is missing is an error of the link, unless the caller says that it is none. */
static void
test_tvmjs_undefined (CompileFixture *self,
                      gconstpointer   data)
{
  const char * const lenient[] = { "-sERROR_ON_UNDEFINED_SYMBOLS=0", NULL };
  const char * const none[] = { NULL };
  const char * const no_object[] = { "/nonexistent/x.o", NULL };
  g_autofree char *output = NULL;
  g_autofree char *contents = NULL;
  g_autofree char *source = NULL;
  g_autoptr (TvmCompileResult) allowed = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  const char *objects[] = { NULL, NULL };

  if (!use_emcc (self))
    return;

  output = compile_fixture_write (self, "module.wasm", "old");
  source = compile_fixture_write (self, "f.c", USES_RUNTIME);
  objects[0] = source;
  tvm_emcc_create_tvmjs_wasm_async (output, objects, NULL, NULL, NULL, none, NULL,
                                    compile_fixture_ready, &result);
  compile_fixture_wait (&result);
  g_assert_null (tvm_emcc_create_tvmjs_wasm_finish (result, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_LINK_FAILED);
  g_assert_nonnull (strstr (error->message, "undefined symbol"));
  g_clear_error (&error);
  g_assert_true (g_file_get_contents (output, &contents, NULL, NULL));
  g_assert_cmpstr (contents, ==, "old");

  allowed = tvm_emcc_create_tvmjs_wasm (output, objects, lenient, NULL, NULL, none, NULL, &error);
  g_assert_no_error (error);
  assert_call (self, "module.wasm", "f", "0", "15");

  g_assert_null (tvm_emcc_create_tvmjs_wasm (output, none, NULL, NULL, NULL, none, NULL, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT);
  g_clear_error (&error);
  g_assert_null (tvm_emcc_create_tvmjs_wasm (output, no_object, NULL, NULL, NULL, none, NULL,
                                             &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_assert_null (tvm_emcc_create_tvmjs_wasm (output, objects, NULL, "/nonexistent/emcc", NULL, none,
                                             NULL, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_NOT_FOUND);
}

/* Without emscripten: clang and wasm-ld, for code that needs no library */
static void
test_clang (CompileFixture *self,
            gconstpointer   data)
{
  g_autoptr (TvmCompileRequest) request = NULL;
  g_autoptr (TvmCompileResult) result = NULL;
  g_autoptr (TvmCompileRequest) undefined = NULL;
  g_autoptr (TvmCompileResult) undefined_result = NULL;
  g_autoptr (GError) error = NULL;

  if (!compile_fixture_have ("clang") || !compile_fixture_have ("wasm-ld") ||
      !compile_fixture_have ("node"))
    return;

  g_clear_object (&self->compiler);
  self->compiler = tvm_compiler_new_for_command ("clang --target=wasm32");
  request = new_request (self, TVM_COMPILE_KIND_WASM, "add.c",
                         "int add (int a, int b) { return a + b; }\n", "add.wasm");
  result = compile_fixture_compile (self, request);
  compile_fixture_assert_ok (result);
  assert_call (self, "add.wasm", "add", "40", "42");

  undefined = new_request (self, TVM_COMPILE_KIND_WASM, "undefined.c",
                           "extern int missing (void);\nint f (void) { return missing (); }\n",
                           "undefined.wasm");
  undefined_result = compile_fixture_compile (self, undefined);
  g_assert_false (tvm_compile_result_check (undefined_result, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_LINK_FAILED);
  g_assert_nonnull (strstr (error->message, "missing"));
}

/* With the C library of WASI: a module that allocates memory, and a program that node runs */
static void
test_wasi (CompileFixture *self,
           gconstpointer   data)
{
  static const char runner[] =
    "const { WASI } = require ('wasi');"
    "const wasi = new WASI ({ version: 'preview1' });"
    "const module = new WebAssembly.Module (require ('fs').readFileSync (process.argv[1]));"
    "wasi.start (new WebAssembly.Instance (module, { wasi_snapshot_preview1: wasi.wasiImport }));";
  g_autofree char *program = compile_fixture_path (self, "program");
  g_autofree char *said = NULL;

  if (!compile_fixture_have ("clang") || !compile_fixture_have ("wasm-ld") ||
      !compile_fixture_have ("node"))
    return;
  if (!g_file_test ("/usr/lib/wasm32-wasi/libc.a", G_FILE_TEST_EXISTS))
    {
      g_test_skip ("wasi-libc is not installed");
      return;
    }

  g_clear_object (&self->compiler);
  self->compiler = tvm_compiler_new_for_command ("clang --target=wasm32-wasi");
  make (self, TVM_COMPILE_KIND_WASM, "length.c",
        "#include <stdlib.h>\n#include <string.h>\n"
        "int length (int n)\n"
        "{ char *p = calloc (n + 1, 1); int l; memset (p, 'x', n); l = strlen (p); free (p);"
        " return l; }\n", "length.wasm");
  assert_call (self, "length.wasm", "length", "42", "42");

  make (self, TVM_COMPILE_KIND_EXECUTABLE, "program.c",
        "#include <stdio.h>\nint main (void) { puts (\"hello\"); return 0; }\n", "program");
  said = compile_fixture_run ("node", "--no-warnings", "--experimental-wasi-unstable-preview1",
                              "-e", runner, program, NULL);
  g_assert_cmpstr (said, ==, "hello\n");
}

/* A compiler for another target says so before it is run. */
static void
test_native (CompileFixture *self,
             gconstpointer   data)
{
  g_autoptr (TvmCompileRequest) request =
    new_request (self, TVM_COMPILE_KIND_WASM, "a.c", "int a;\n", "a.wasm");
  g_autoptr (TvmCompileResult) result = NULL;
  g_autoptr (GError) error = NULL;

  if (!compile_fixture_have ("clang"))
    return;

  g_clear_object (&self->compiler);
  self->compiler = tvm_compiler_new_for_command ("clang");
  result = compile_fixture_compile (self, request);
  g_assert_false (tvm_compile_result_check (result, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_UNSUPPORTED);
}

#define add(path, func) \
  g_test_add (path, CompileFixture, NULL, set_up, func, compile_fixture_tear_down)

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  add ("/emcc/find-emcc", test_find_emcc);
  add ("/emcc/find-wasm-lib", test_find_wasm_lib);
  add ("/emcc/toolchain", test_toolchain);
  add ("/emcc/environment", test_environment);
  add ("/emcc/module", test_module);
  add ("/emcc/other-kinds", test_other_kinds);
  add ("/emcc/diagnostics", test_diagnostics);
  add ("/emcc/many-objects", test_many_objects);
  add ("/emcc/cancel", test_cancel);
  add ("/emcc/cache", test_cache);
  add ("/emcc/tvmjs", test_tvmjs);
  add ("/emcc/tvmjs-undefined", test_tvmjs_undefined);
  add ("/emcc/clang", test_clang);
  add ("/emcc/wasi", test_wasi);
  add ("/emcc/native", test_native);

  return g_test_run ();
}
