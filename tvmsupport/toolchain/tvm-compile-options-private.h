/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/*
 * Options of a compiler command line and the steps that they belong to.
 *
 * Callers of the one-shots give one list of options for a command that, in the seed, compiled and
 * linked at once. A step gets what concerns it: the words keep their order, and an option keeps its
 * argument.
 */
typedef enum
{
  TVM_OPTION_COMPILE = 1 << 0,  /* preprocessor and language */
  TVM_OPTION_LINK = 1 << 1,     /* libraries and the linker */
} TvmOptionUse;

#define TVM_OPTION_BOTH (TVM_OPTION_COMPILE | TVM_OPTION_LINK)

/* How @options[index] is used and, in @n_words, how many words it is together with its argument */
TvmOptionUse tvm_compile_option_classify (const char * const *options,
                                          guint               index,
                                          guint              *n_words);

/* Splits @options. What only a link uses goes to @link_options, the rest to @compile_options; -c
 * goes away, as the kind of a request is explicit, and what contradicts that (-S, -E, -M, -o) is
 * TVM_ERROR_INVALID_ARGUMENT. */
gboolean     tvm_compile_options_split   (const char * const  *options,
                                          char              ***compile_options,
                                          char              ***link_options,
                                          GError             **error);

/* Adds those of @options that @use needs. */
void         tvm_compile_options_add     (const char * const *options,
                                          TvmOptionUse        use,
                                          GStrvBuilder       *builder);

/* Whether a compiler writes more files beside its output with these options, or writes their paths
 * into it */
gboolean     tvm_compile_options_have_side_outputs (const char * const *options);

/* Whether the options ask for dependencies in a way of their own */
gboolean     tvm_compile_options_have_depfile (const char * const *options);

/* Whether they make a depfile whose target follows from the name of the output */
gboolean     tvm_compile_options_need_target (const char * const *options);

/* The static libraries and objects that link options name: paths, and -l with a file in a -L
 * folder.
 * Returns: (transfer full) */
char       **tvm_compile_options_find_archives (const char * const *options,
                                                const char         *cwd);

G_END_DECLS
