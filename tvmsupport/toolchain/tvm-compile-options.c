/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-compile-options-private.h"

#include "tvmsupport/tvm-error.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/* Options whose argument may be the next word (GCC's manual, "Option Summary", and clang's) */
static const struct
{
  const char *name;
  TvmOptionUse use;
} options_with_argument[] = {
  { "-D", TVM_OPTION_COMPILE },          { "-U", TVM_OPTION_COMPILE },
  { "-I", TVM_OPTION_COMPILE },          { "-include", TVM_OPTION_COMPILE },
  { "-imacros", TVM_OPTION_COMPILE },    { "-isystem", TVM_OPTION_COMPILE },
  { "-iquote", TVM_OPTION_COMPILE },     { "-idirafter", TVM_OPTION_COMPILE },
  { "-iprefix", TVM_OPTION_COMPILE },    { "-iwithprefix", TVM_OPTION_COMPILE },
  { "-iwithprefixbefore", TVM_OPTION_COMPILE }, { "-imultilib", TVM_OPTION_COMPILE },
  { "-iframework", TVM_OPTION_COMPILE }, { "-include-pch", TVM_OPTION_COMPILE },
  { "-isystem-after", TVM_OPTION_COMPILE }, { "-ivfsoverlay", TVM_OPTION_COMPILE },
  { "-cxx-isystem", TVM_OPTION_COMPILE },
  { "-MF", TVM_OPTION_COMPILE },         { "-MT", TVM_OPTION_COMPILE },
  { "-MQ", TVM_OPTION_COMPILE },         { "-x", TVM_OPTION_COMPILE },
  { "-Xpreprocessor", TVM_OPTION_COMPILE }, { "-Xassembler", TVM_OPTION_COMPILE },
  { "-Xclang", TVM_OPTION_COMPILE },     { "-mllvm", TVM_OPTION_BOTH },
  { "-aux-info", TVM_OPTION_COMPILE },   { "--param", TVM_OPTION_BOTH },
  { "-arch", TVM_OPTION_BOTH },          { "-target", TVM_OPTION_BOTH },
  { "--sysroot", TVM_OPTION_BOTH },      { "-isysroot", TVM_OPTION_BOTH },
  { "-specs", TVM_OPTION_BOTH },         { "-B", TVM_OPTION_BOTH },
  { "-dumpbase", TVM_OPTION_BOTH },      { "-dumpbase-ext", TVM_OPTION_BOTH },
  { "-dumpdir", TVM_OPTION_BOTH },       { "-wrapper", TVM_OPTION_BOTH },
  { "-L", TVM_OPTION_LINK },             { "-l", TVM_OPTION_LINK },
  { "-T", TVM_OPTION_LINK },             { "-u", TVM_OPTION_LINK },
  { "-z", TVM_OPTION_LINK },             { "-e", TVM_OPTION_LINK },
  { "-Xlinker", TVM_OPTION_LINK },       { "-framework", TVM_OPTION_LINK },
  /* emcc's, `emcc --help` */
  { "--cache", TVM_OPTION_BOTH },        { "--em-config", TVM_OPTION_BOTH },
  { "--js-library", TVM_OPTION_LINK },   { "--pre-js", TVM_OPTION_LINK },
  { "--post-js", TVM_OPTION_LINK },      { "--extern-pre-js", TVM_OPTION_LINK },
  { "--extern-post-js", TVM_OPTION_LINK }, { "--embed-file", TVM_OPTION_LINK },
  { "--preload-file", TVM_OPTION_LINK }, { "--exclude-file", TVM_OPTION_LINK },
  { "--shell-file", TVM_OPTION_LINK },   { "--source-map-base", TVM_OPTION_LINK },
  { "--closure", TVM_OPTION_LINK },      { "--closure-args", TVM_OPTION_LINK },
  { "--minify", TVM_OPTION_LINK },       { "--memory-init-file", TVM_OPTION_LINK },
  { "--valid-abspath", TVM_OPTION_LINK }, { "--oformat", TVM_OPTION_LINK },
};

/* Those of nvcc (`nvcc --help`), but for the few that gcc has without an argument. They are for a
 * compile and a link alike, as nvcc itself takes them. */
static const char * const nvcc_options_with_argument[] = {
  "-Xcompiler", "-Xptxas", "-Xnvlink", "-Xfatbin", "-Xcudafe", "-Xarchive", "-gencode", "-code",
  "-ccbin", "-arbin", "-cudart", "-cudadevrt", "-ldir", "-target-dir", "-Ofc", "-dopt", "-std",
  "-split-compile", "-split-compile-extended", "-static-global-template-stub", "-keep-dir", "-rdc",
  "-device-entity-has-hidden-visibility", "-fdevice-time-trace", "-maxrregcount", "-ftz", "-fmad",
  "-prec-div", "-prec-sqrt", "-default-stream", "-diag-error", "-diag-suppress", "-diag-warn",
  "-brief-diag", "-jtd", "-device-stack-protector", "-sanitize",
  "--compiler-options", "--ptxas-options", "--nvlink-options", "--archive-options",
  "--generate-code", "--gpu-architecture", "--gpu-code", "--compiler-bindir", "--archiver-binary",
  "--cudart", "--cudadevrt", "--libdevice-directory", "--target-directory", "--Ofast-compile",
  "--dopt", "--std", "--optimize", "--machine", "--threads", "--split-compile",
  "--split-compile-extended", "--static-global-template-stub", "--keep-dir",
  "--device-entity-has-hidden-visibility", "--fdevice-time-trace", "--relocatable-device-code",
  "--maxrregcount", "--ftz", "--fmad", "--prec-div", "--prec-sqrt", "--default-stream",
  "--diag-error", "--diag-suppress", "--diag-warn", "--brief-diagnostics",
  "--jump-table-density", "--device-stack-protector", "--options-file", "--define-macro",
  "--undefine-macro", "--include-path", "--system-include", "--pre-include", "--linker-options",
  "--library", "--library-path", NULL,
};

/* Options by how they begin; an argument is joined to them or there is none. */
static const struct
{
  const char *prefix;
  TvmOptionUse use;
} options_by_prefix[] = {
  { "-D", TVM_OPTION_COMPILE },          { "-U", TVM_OPTION_COMPILE },
  { "-I", TVM_OPTION_COMPILE },          { "-i", TVM_OPTION_COMPILE },
  { "-M", TVM_OPTION_COMPILE },          { "-x", TVM_OPTION_COMPILE },
  { "-Wp,", TVM_OPTION_COMPILE },        { "-Wa,", TVM_OPTION_COMPILE },
  { "-Wl,", TVM_OPTION_LINK },           { "-l", TVM_OPTION_LINK },
  { "-L", TVM_OPTION_LINK },             { "-T", TVM_OPTION_LINK },
  { "-u", TVM_OPTION_LINK },             { "-z", TVM_OPTION_LINK },
  { "-static", TVM_OPTION_LINK },        { "-shared", TVM_OPTION_LINK },
  { "-rdynamic", TVM_OPTION_LINK },      { "-nostartfiles", TVM_OPTION_LINK },
  { "-nodefaultlibs", TVM_OPTION_LINK }, { "-nolibc", TVM_OPTION_LINK },
  { "-nostdlib", TVM_OPTION_LINK },      { "-no-pie", TVM_OPTION_LINK },
  { "-pie", TVM_OPTION_LINK },           { "-fuse-ld=", TVM_OPTION_LINK },
  { "--ld-path=", TVM_OPTION_LINK },     { "-s", TVM_OPTION_LINK },
  { "-dynamiclib", TVM_OPTION_LINK },    { "-bundle", TVM_OPTION_LINK },
  { "-undefined", TVM_OPTION_LINK },
};

/* Options that the prefixes above would catch, but must not */
static const struct
{
  const char *prefix;
  TvmOptionUse use;
} exceptions[] = {
  { "-isysroot", TVM_OPTION_BOTH }, { "-std=", TVM_OPTION_BOTH },
  { "-save-temps", TVM_OPTION_BOTH }, { "-stdlib=", TVM_OPTION_BOTH },
  { "-specs", TVM_OPTION_BOTH }, { "-sysroot", TVM_OPTION_BOTH },
  { "-undef", TVM_OPTION_COMPILE }, { "-undefined", TVM_OPTION_LINK },
  /* nvcc's */
  { "-lineinfo", TVM_OPTION_COMPILE }, { "-use_fast_math", TVM_OPTION_COMPILE },
  { "-split-compile", TVM_OPTION_BOTH }, { "-src-in-ptx", TVM_OPTION_COMPILE },
  { "-static-global-template-stub", TVM_OPTION_BOTH }, { "-ldir", TVM_OPTION_BOTH },
  { "-sanitize", TVM_OPTION_BOTH },
};

/* emcc has its settings behind -s, which strips symbols elsewhere: "-sNAME=VALUE", or "-s
 * NAME=VALUE" in two words. Some of them count for a compile, too. */
static gboolean
is_setting (const char *word)
{
  gsize length = 0;

  while (g_ascii_isupper (word[length]) || word[length] == '_' ||
         (length > 0 && g_ascii_isdigit (word[length])))
    length++;

  return length > 1 && (word[length] == '\0' || word[length] == '=');
}

TvmOptionUse
tvm_compile_option_classify (const char * const *options,
                             guint               index,
                             guint              *n_words)
{
  const char *option = options[index];
  guint i;

  *n_words = 1;

  if (option[0] == '@')
    return TVM_OPTION_COMPILE;
  /* A file among the options is for the linker. */
  if (option[0] != '-')
    return TVM_OPTION_LINK;

  if (g_str_has_prefix (option, "-s") && is_setting (option + strlen ("-s")))
    return TVM_OPTION_BOTH;
  if (strcmp (option, "-s") == 0 && options[index + 1] != NULL && is_setting (options[index + 1]))
    {
      *n_words = 2;
      return TVM_OPTION_BOTH;
    }

  for (i = 0; i < G_N_ELEMENTS (options_with_argument); i++)
    {
      if (strcmp (option, options_with_argument[i].name) == 0)
        {
          if (options[index + 1] != NULL)
            *n_words = 2;
          return options_with_argument[i].use;
        }
    }

  if (g_strv_contains (nvcc_options_with_argument, option))
    {
      if (options[index + 1] != NULL)
        *n_words = 2;
      return TVM_OPTION_BOTH;
    }

  for (i = 0; i < G_N_ELEMENTS (exceptions); i++)
    {
      if (g_str_has_prefix (option, exceptions[i].prefix))
        return exceptions[i].use;
    }

  for (i = 0; i < G_N_ELEMENTS (options_by_prefix); i++)
    {
      if (g_str_has_prefix (option, options_by_prefix[i].prefix))
        return options_by_prefix[i].use;
    }

  return TVM_OPTION_BOTH;
}

gboolean
tvm_compile_options_split (const char * const   *options,
                           char               ***compile_options,
                           char               ***link_options,
                           GError              **error)
{
  g_autoptr (GStrvBuilder) compile = g_strv_builder_new ();
  g_autoptr (GStrvBuilder) link = g_strv_builder_new ();
  guint n_words;
  guint i, j;

  for (i = 0; options != NULL && options[i] != NULL; i += n_words)
    {
      TvmOptionUse use = tvm_compile_option_classify (options, i, &n_words);

      if (strcmp (options[i], "-c") == 0)
        continue;

      if (strcmp (options[i], "-S") == 0 || strcmp (options[i], "-E") == 0 ||
          strcmp (options[i], "-M") == 0 || strcmp (options[i], "-MM") == 0 ||
          strcmp (options[i], "-fsyntax-only") == 0 || g_str_has_prefix (options[i], "-o"))
        {
          g_set_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
                       _("The option “%s” contradicts what is to be made"), options[i]);
          return FALSE;
        }

      for (j = 0; j < n_words; j++)
        g_strv_builder_add (use == TVM_OPTION_LINK ? link : compile, options[i + j]);

      /* What is in a response file may be for either. */
      if (options[i][0] == '@')
        g_strv_builder_add (link, options[i]);
    }

  *compile_options = g_strv_builder_end (compile);
  *link_options = g_strv_builder_end (link);
  return TRUE;
}

void
tvm_compile_options_add (const char * const *options,
                         TvmOptionUse        use,
                         GStrvBuilder       *builder)
{
  guint n_words;
  guint i, j;

  for (i = 0; options != NULL && options[i] != NULL; i += n_words)
    {
      if ((tvm_compile_option_classify (options, i, &n_words) & use) == 0)
        continue;

      for (j = 0; j < n_words; j++)
        g_strv_builder_add (builder, options[i + j]);
    }
}

gboolean
tvm_compile_options_have_side_outputs (const char * const *options)
{
  static const char * const prefixes[] = {
    "--coverage", "-coverage", "-ftest-coverage", "-fprofile-arcs", "-fprofile-generate",
    "-gsplit-dwarf", "-save-temps", "-fstack-usage", "-fcallgraph-info", "-fdump-",
    "-ftime-trace", "-fsave-optimization-record",
  };
  guint i, j;

  for (i = 0; options != NULL && options[i] != NULL; i++)
    {
      for (j = 0; j < G_N_ELEMENTS (prefixes); j++)
        {
          if (g_str_has_prefix (options[i], prefixes[j]))
            return TRUE;
        }
    }

  return FALSE;
}

gboolean
tvm_compile_options_have_depfile (const char * const *options)
{
  guint i;

  for (i = 0; options != NULL && options[i] != NULL; i++)
    {
      if (g_str_has_prefix (options[i], "-M") || g_str_has_prefix (options[i], "-Wp,-M"))
        return TRUE;
    }

  return FALSE;
}

gboolean
tvm_compile_options_need_target (const char * const *options)
{
  gboolean makes_depfile = FALSE;
  guint i;

  for (i = 0; options != NULL && options[i] != NULL; i++)
    {
      if (g_str_has_prefix (options[i], "-MT") || g_str_has_prefix (options[i], "-MQ"))
        return FALSE;
      makes_depfile |= g_str_equal (options[i], "-MD") || g_str_equal (options[i], "-MMD");
    }

  return makes_depfile;
}

/* The value of an option that is joined to it or is the next word; NULL if @options[index] is
 * another */
static const char *
get_value (const char * const *options,
           guint               index,
           const char         *name)
{
  if (!g_str_has_prefix (options[index], name))
    return NULL;
  if (options[index][strlen (name)] != '\0')
    return options[index] + strlen (name);

  return options[index + 1];
}

static void
find_library (const char   *library,
              GPtrArray    *folders,
              GStrvBuilder *found)
{
  guint i;

  for (i = 0; i < folders->len; i++)
    {
      const char *folder = g_ptr_array_index (folders, i);
      g_autofree char *shared = g_strdup_printf ("%s/lib%s.so", folder, library);
      g_autofree char *archive = g_strdup_printf ("%s/lib%s.a", folder, library);

      /* A shared library brings its own needs along. */
      if (g_file_test (shared, G_FILE_TEST_EXISTS))
        return;
      if (g_file_test (archive, G_FILE_TEST_EXISTS))
        {
          g_strv_builder_add (found, archive);
          return;
        }
    }
}

char **
tvm_compile_options_find_archives (const char * const *options,
                                   const char         *cwd)
{
  g_autoptr (GStrvBuilder) found = g_strv_builder_new ();
  g_autoptr (GPtrArray) folders = g_ptr_array_new_with_free_func (g_free);
  guint n_words;
  guint i;

  for (i = 0; options != NULL && options[i] != NULL; i += n_words)
    {
      const char *folder = get_value (options, i, "-L");

      tvm_compile_option_classify (options, i, &n_words);
      if (folder != NULL)
        g_ptr_array_add (folders, g_canonicalize_filename (folder, cwd));
    }

  for (i = 0; options != NULL && options[i] != NULL; i += n_words)
    {
      const char *library = get_value (options, i, "-l");

      tvm_compile_option_classify (options, i, &n_words);
      if (options[i][0] != '-')
        g_strv_builder_add (found, options[i]);
      else if (library != NULL)
        find_library (library, folders, found);
    }

  return g_strv_builder_end (found);
}
