/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "symbols-fixture.h"

#include "tvmsupport/files/tvm-symbols-private.h"

#include "tvmsupport/files/tvm-rmtree.h"
#include "tvmsupport/tvm-error.h"

#include <elf.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct
{
  char *path;
} Fixture;

static void
setup (Fixture       *f,
       gconstpointer  data)
{
  f->path = g_dir_make_tmp ("test-symbols-XXXXXX", NULL);
  g_assert_nonnull (f->path);
}

static void
teardown (Fixture       *f,
          gconstpointer  data)
{
  g_assert_no_errno (tvm_rmtree_at (AT_FDCWD, f->path, NULL));
  g_free (f->path);
}

static char *
in_temp (Fixture    *f,
         const char *name)
{
  return g_build_filename (f->path, name, NULL);
}

static char *
put (Fixture    *f,
     const char *name,
     const char *data,
     gssize      length)
{
  char *path = in_temp (f, name);

  g_assert_true (g_file_set_contents (path, data, length, NULL));
  return path;
}

static void
add (Fixture    *f,
     const char *name,
     const char *data)
{
  g_free (put (f, name, data, -1));
}

/* Returns: whether the tool is there and was content */
static gboolean
run_tool (Fixture            *f,
          const char *const  *argv)
{
  g_autoptr (GSubprocessLauncher) launcher = NULL;
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *program = g_find_program_in_path (argv[0]);

  if (program == NULL)
    return FALSE;

  launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_SILENCE
                                        | G_SUBPROCESS_FLAGS_STDERR_SILENCE);
  g_subprocess_launcher_set_cwd (launcher, f->path);
  g_subprocess_launcher_setenv (launcher, "LC_ALL", "C", TRUE);
  process = g_subprocess_launcher_spawnv (launcher, argv, &error);
  g_assert_no_error (error);
  g_subprocess_wait (process, NULL, &error);
  g_assert_no_error (error);
  return g_subprocess_get_successful (process);
}

#define RUN(f, ...) run_tool (f, (const char *const[]) { __VA_ARGS__, NULL })

/* Every name, version and letter as nm has them. Returns: how many, or 0 if nm did not serve */
static guint
assert_like_nm (const char *path)
{
  g_autofree char *why = NULL;
  guint n;

  if (symbols_compare_with_nm (path, &n, &why) == SYMBOLS_DIFFER)
    g_test_fail_printf ("%s: %s", path, why);
  return n;
}

static void
test_system (Fixture       *f,
             gconstpointer  data)
{
  static const char *const paths[] = {
    "/usr/lib/x86_64-linux-gnu/libLLVM-14.so.1", "/lib/x86_64-linux-gnu/libc.so.6",
    "/usr/lib/x86_64-linux-gnu/libstdc++.so.6", "/usr/lib/x86_64-linux-gnu/libgio-2.0.so.0",
    "/usr/lib/x86_64-linux-gnu/libm.so.6", "/bin/bash", "/usr/bin/python3.11",
  };
  guint n = 0;

  for (gsize i = 0; i < G_N_ELEMENTS (paths); i++)
    {
      if (g_file_test (paths[i], G_FILE_TEST_EXISTS))
        n += assert_like_nm (paths[i]) > 0;
    }
  if (n == 0)
    g_test_skip ("no nm, or none of its usual libraries");
}

static const char source[]
  = "int function (void) { return 1; }\n"
    "int data = 1; int bss; const int read_only = 1; static int local = 1;\n"
    "__thread int tls = 1; __thread int tls_bss;\n"
    "__attribute__ ((weak)) int weak_function (void) { return local; }\n"
    "__attribute__ ((weak)) int weak_data = 1;\n"
    "__attribute__ ((common)) int common;\n"
    "extern int undefined; int *user = &undefined;\n"
    "static int implementation (void) { return 1; }\n"
    "static int (*resolve (void)) (void) { return implementation; }\n"
    "int indirect (void) __attribute__ ((ifunc (\"resolve\")));\n"
    "__attribute__ ((visibility (\"hidden\"))) int hidden = 1;\n"
    "__attribute__ ((section (\".text.hot\"))) int hot (void) { return 1; }\n"
    "__asm__ (\".globl absolute\\n.set absolute, 42\\n\"\n"
    "         \".section .debug_x\\n.globl debug\\ndebug: .byte 1\\n\"\n"
    "         \".section .note.x\\n.globl note\\nnote: .byte 1\\n\"\n"
    "         \".section .odd, \\\"w\\\"\\n.globl odd\\nodd: .byte 1\\n\"\n"
    "         \".section .edata.x, \\\"aw\\\"\\n.globl edata_x\\nedata_x: .byte 1\\n\"\n"
    "         \".section .pdata, \\\"a\\\"\\n.globl pdata\\npdata: .byte 1\\n\"\n"
    "         \".section .bssx, \\\"aw\\\", @nobits\\n.globl nobits\\nnobits: .skip 4\\n\"\n"
    "         \".data\\n.globl unique\\n.type unique, @gnu_unique_object\\nunique: .byte 1\\n\"\n"
    "         \".globl odd$name.x\\nodd$name.x: .byte 1\\n.text\\n\");\n";

static gboolean
compile (Fixture *f)
{
  g_autofree char *path = put (f, "a.c", source, -1);
  g_autofree char *other = put (f, "b.c", "int other (void) { return 2; } int data2 = 2;", -1);

  return RUN (f, "gcc", "-c", "-fPIC", "a.c", "-o", "a.o")
         && RUN (f, "gcc", "-c", "-fPIC", "b.c", "-o", "b.o");
}

static void
test_letters (Fixture       *f,
              gconstpointer  data)
{
  g_autofree char *path = in_temp (f, "a.o");
  g_autoptr (GHashTable) table = NULL;
  g_autoptr (GError) error = NULL;
  static const char *const expected[][2] = {
    { "function", "T" }, { "data", "D" }, { "bss", "B" }, { "read_only", "R" }, { "tls", "D" },
    { "tls_bss", "B" }, { "weak_function", "W" }, { "weak_data", "V" }, { "common", "C" },
    { "indirect", "i" }, { "hidden", "D" }, { "hot", "T" }, { "absolute", "A" },
    { "unique", "u" }, { "debug", "N" }, { "nobits", "B" }, { "odd$name.x", "D" },
  };

  if (!compile (f))
    {
      g_test_skip ("no gcc");
      return;
    }

  table = tvm_symbols_read_global (path, NULL, &error);
  g_assert_no_error (error);
  for (gsize i = 0; i < G_N_ELEMENTS (expected); i++)
    g_assert_cmpstr (g_hash_table_lookup (table, expected[i][0]), ==, expected[i][1]);
  g_assert_false (g_hash_table_contains (table, "local"));
  g_assert_false (g_hash_table_contains (table, "undefined"));
  g_assert_cmpuint (assert_like_nm (path), >, 20);
}

/* Linked, stripped, archived, 32-bit, big-endian */
static void
test_forms (Fixture       *f,
            gconstpointer  data)
{
  static const char *const forms[] = {
    "a.so", "a.exe", "stripped.so", "only-debug.so", "ar.a", "ar-r.a", "m32.o", "big.o", "big.a",
    "x32.o",
  };
  guint n = 0;

  if (!compile (f))
    {
      g_test_skip ("no gcc");
      return;
    }

  add (f, "version.map", "V1 { global: function; data; }; V2 { weak_data; } V1;");
  add (f, "main.c", "#include <stdio.h>\nint main (void) { fputs (\"\", stdout); return 0; }");
  add (f, "text.txt", "text");
  RUN (f, "gcc", "-shared", "a.o", "-o", "a.so");
  RUN (f, "gcc", "-shared", "-Wl,--version-script=version.map", "a.o", "-o", "versions.so");
  RUN (f, "gcc", "-g", "-no-pie", "main.c", "-o", "a.exe");
  RUN (f, "strip", "-o", "stripped.so", "a.so");
  RUN (f, "objcopy", "--only-keep-debug", "a.so", "only-debug.so");
  RUN (f, "ar", "rcsD", "ar.a", "a.o", "b.o");
  RUN (f, "ar", "rcSD", "ar-r.a", "a.o", "b.o", "text.txt");
  RUN (f, "gcc", "-m32", "-c", "b.c", "-o", "m32.o");
  RUN (f, "gcc", "-mx32", "-c", "b.c", "-o", "x32.o");
  RUN (f, "clang", "--target=powerpc64-linux-gnu", "-c", "b.c", "-o", "big.o");
  RUN (f, "ar", "rcD", "big.a", "big.o", "b.o");

  for (gsize i = 0; i < G_N_ELEMENTS (forms); i++)
    {
      g_autofree char *path = in_temp (f, forms[i]);

      if (g_file_test (path, G_FILE_TEST_EXISTS))
        n += assert_like_nm (path) > 0;
    }
  g_assert_cmpuint (n, >=, 5);
}

static void
test_versions (Fixture       *f,
               gconstpointer  data)
{
  g_autofree char *path = in_temp (f, "v.so");
  g_autofree char *stripped = in_temp (f, "vs.so");
  g_autoptr (GHashTable) table = NULL;
  g_autoptr (GError) error = NULL;

  add (f, "v.c", "int old (void) { return 1; } const int new = 2;\n"
       "__asm__ (\".symver old,name@V1\\n.symver new,name@@V2\\n\");\n");
  add (f, "v.map", "V1 { global: name; local: *; }; V2 { global: name; } V1;");
  if (!RUN (f, "gcc", "-shared", "-fPIC", "v.c", "-Wl,--version-script=v.map", "-o", "v.so")
      || !RUN (f, "strip", "-o", "vs.so", "v.so"))
    {
      g_test_skip ("no gcc");
      return;
    }

  g_assert_cmpuint (assert_like_nm (path), >, 0);
  g_assert_cmpuint (assert_like_nm (stripped), >, 0);

  table = tvm_symbols_read_global (path, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (g_hash_table_lookup (table, "name"), ==, "R");
  g_clear_pointer (&table, g_hash_table_unref);
  table = tvm_symbols_read_global (stripped, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (g_hash_table_lookup (table, "name"), ==, "R");
}

/* More sections than 16 bits count */
static void
test_many_sections (Fixture       *f,
                    gconstpointer  data)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *path = in_temp (f, "many.o");
  g_autoptr (GHashTable) table = NULL;
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 66000; i++)
    g_string_append_printf (text, ".section .data.s%u,\"aw\"\n", i);
  g_string_append (text, ".section .rodata.last,\"a\"\n.globl last\nlast: .byte 1\n");
  g_string_append (text, ".section .text.last,\"ax\"\n.globl code\ncode: .byte 1\n");
  add (f, "many.s", text->str);
  if (!RUN (f, "as", "many.s", "-o", "many.o"))
    {
      g_test_skip ("no as");
      return;
    }

  table = tvm_symbols_read_global (path, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (g_hash_table_lookup (table, "last"), ==, "R");
  g_assert_cmpstr (g_hash_table_lookup (table, "code"), ==, "T");
}

static void
assert_error (const char *path,
              GQuark      domain,
              int         code)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (tvm_symbols_read_global (path, NULL, &error));
  g_assert_error (error, domain, code);
}

static void
test_errors (Fixture       *f,
             gconstpointer  data)
{
  static const struct { const char *data; gsize length; int code; } files[] = {
    { "", 0, TVM_ERROR_INVALID_OBJECT }, { "x", 1, TVM_ERROR_INVALID_OBJECT },
    { "int a;\n/* a source */", 20, TVM_ERROR_INVALID_OBJECT },
    { ELFMAG, SELFMAG, TVM_ERROR_INVALID_OBJECT },
    { ELFMAG "\2\1\1", 7, TVM_ERROR_INVALID_OBJECT },
    { "!<arch>\nx", 9, -1 },
    { "!<arch>\nxyz", 11, TVM_ERROR_INVALID_OBJECT },
    { "!<thin>\n", 8, TVM_ERROR_UNSUPPORTED },
    { "BC\xc0\xde....", 8, TVM_ERROR_UNSUPPORTED },
    { "\0asm\1\0\0\0", 8, TVM_ERROR_UNSUPPORTED },
    { "\xcf\xfa\xed\xfe....", 8, TVM_ERROR_UNSUPPORTED },
  };
  g_autofree char *missing = in_temp (f, "missing");
  g_autofree char *fifo = in_temp (f, "fifo");
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  for (gsize i = 0; i < G_N_ELEMENTS (files); i++)
    {
      g_autofree char *path = put (f, "file", files[i].data, files[i].length);

      if (files[i].code >= 0)
        assert_error (path, TVM_ERROR, files[i].code);
      else
        {
          g_autoptr (GHashTable) table = tvm_symbols_read_global (path, NULL, &error);

          g_assert_no_error (error);
          g_assert_cmpuint (g_hash_table_size (table), ==, 0);
        }
    }

  g_assert_no_errno (mkfifo (fifo, 0600));
  assert_error (missing, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  assert_error (f->path, G_IO_ERROR, G_IO_ERROR_IS_DIRECTORY);
  assert_error (fifo, G_IO_ERROR, G_IO_ERROR_NOT_REGULAR_FILE);

  g_cancellable_cancel (cancellable);
  g_assert_null (tvm_symbols_read_global (missing, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

/* Cut off or changed anywhere: an error or symbols, within the bounds */
static void
test_mutated (Fixture       *f,
              gconstpointer  data)
{
  static const char *const names[] = { "a.o", "stripped.so", "ar.a" };
  const guint n = g_test_slow () ? 20000 : 300;

  if (!compile (f))
    {
      g_test_skip ("no gcc");
      return;
    }
  RUN (f, "gcc", "-shared", "-s", "a.o", "-o", "stripped.so");
  RUN (f, "ar", "rcsD", "ar.a", "a.o", "b.o");

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = in_temp (f, names[i]);
      g_autofree char *content = NULL;
      gsize length;

      g_assert_true (g_file_get_contents (path, &content, &length, NULL));
      for (gsize cut = 0; cut < length; cut += length / 50 + 1)
        {
          g_autofree char *cut_path = put (f, "cut", content, cut);

          /* An archive may end behind any of its members. */
          if (i != 2)
            assert_error (cut_path, TVM_ERROR, TVM_ERROR_INVALID_OBJECT);
          else
            g_hash_table_unref (tvm_symbols_read_global (cut_path, NULL, NULL)
                                ?: tvm_symbols_table_new ());
        }

      for (guint j = 0; j < n; j++)
        {
          g_autofree char *copy = g_memdup2 (content, length);
          g_autofree char *changed = NULL;
          g_autoptr (GError) error = NULL;
          g_autoptr (GHashTable) table = NULL;
          const char *list[] = { NULL, NULL };

          for (gint k = g_test_rand_int_range (1, 10); k > 0; k--)
            copy[g_test_rand_int_range (0, g_test_rand_bit () ? length : 64)]
              = g_test_rand_int_range (0, 256);
          changed = put (f, "changed", copy, length);
          table = tvm_symbols_read_global (changed, NULL, &error);
          g_assert_true ((table == NULL) == (error != NULL));
          list[0] = changed;
          (void) tvm_symbols_need_cxx (list, NULL, NULL);
        }
    }
}

static gboolean
needs_cxx (Fixture    *f,
           const char *name)
{
  const char *paths[] = { "missing.o", name, NULL };

  return tvm_symbols_need_cxx (paths, f->path, NULL);
}

static void
test_need_cxx (Fixture       *f,
               gconstpointer  data)
{
  add (f, "c.c", "extern int x; int f (void) { return x; }");
  add (f, "p.cc", "#include <string>\nstd::string s (int a) { return std::to_string (a); }\n");
  add (f, "e.cc", "void t () { throw 1; }\n");
  add (f, "n.cc", "int plain () { return 1; }\n");
  if (!RUN (f, "gcc", "-c", "c.c") || !RUN (f, "g++", "-c", "p.cc")
      || !RUN (f, "g++", "-c", "e.cc") || !RUN (f, "g++", "-c", "n.cc")
      || !RUN (f, "g++", "-flto", "-c", "p.cc", "-o", "lto.o")
      || !RUN (f, "gcc", "-flto", "-c", "c.c", "-o", "clto.o")
      || !RUN (f, "g++", "-shared", "-fPIC", "e.cc", "-o", "e.so")
      || !RUN (f, "ar", "rcsD", "c.a", "c.o", "c.c")
      || !RUN (f, "ar", "rcsD", "p.a", "c.o", "p.o"))
    {
      g_test_skip ("no g++");
      return;
    }

  g_assert_false (needs_cxx (f, "c.o"));
  g_assert_false (needs_cxx (f, "c.c"));
  g_assert_false (needs_cxx (f, "n.o"));
  g_assert_false (needs_cxx (f, "c.a"));
  g_assert_false (needs_cxx (f, "e.so"));
  g_assert_false (needs_cxx (f, "clto.o"));
  g_assert_true (needs_cxx (f, "p.o"));
  g_assert_true (needs_cxx (f, "e.o"));
  g_assert_true (needs_cxx (f, "p.a"));
  g_assert_true (needs_cxx (f, "lto.o"));
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name, func) g_test_add ("/symbols/" name, Fixture, NULL, setup, func, teardown)
  ADD ("system", test_system);
  ADD ("letters", test_letters);
  ADD ("forms", test_forms);
  ADD ("versions", test_versions);
  ADD ("many-sections", test_many_sections);
  ADD ("errors", test_errors);
  ADD ("mutated", test_mutated);
  ADD ("need-cxx", test_need_cxx);
#undef ADD

  return g_test_run ();
}
