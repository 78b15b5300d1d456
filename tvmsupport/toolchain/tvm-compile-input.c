/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-compile-request-private.h"

/* The inputs of a request */

void
tvm_compile_input_free (gpointer data)
{
  TvmCompileInput *input = data;

  g_free (input->path);
  g_clear_pointer (&input->bytes, g_bytes_unref);
  g_free (input);
}

/**
 * tvm_compile_request_add_input:
 * @self: a request
 * @path: (type filename): a source, an object, a library, or a tar file of them
 * @language: the language of @path
 *
 * Adds a file to the inputs, behind those that are there.
 *
 * With %TVM_LANGUAGE_AUTO the suffix decides; what is no source goes to the link as it is, and a
 * tar file, known by its content, is unpacked first. The file is looked at when the compile starts.
 *
 * Since: 1.0
 */
void
tvm_compile_request_add_input (TvmCompileRequest *self,
                               const char        *path,
                               TvmLanguage        language)
{
  TvmCompileInput *input;

  g_return_if_fail (TVM_IS_COMPILE_REQUEST (self));
  g_return_if_fail (path != NULL);

  input = g_new0 (TvmCompileInput, 1);
  input->path = g_strdup (path);
  input->language = language;
  g_ptr_array_add (self->inputs, input);
}

/**
 * tvm_compile_request_add_input_bytes:
 * @self: a request
 * @name: (type filename): the name of a file, without a folder, for diagnostics and for the suffix
 * @bytes: the content
 * @language: the language of @bytes
 *
 * Adds content that is not in a file to the inputs, behind those that are there.
 *
 * Since: 1.0
 */
void
tvm_compile_request_add_input_bytes (TvmCompileRequest *self,
                                     const char        *name,
                                     GBytes            *bytes,
                                     TvmLanguage        language)
{
  TvmCompileInput *input;

  g_return_if_fail (TVM_IS_COMPILE_REQUEST (self));
  g_return_if_fail (name != NULL);
  g_return_if_fail (bytes != NULL);

  input = g_new0 (TvmCompileInput, 1);
  input->path = g_strdup (name);
  input->bytes = g_bytes_ref (bytes);
  input->language = language;
  g_ptr_array_add (self->inputs, input);
}

/**
 * tvm_compile_request_dup_inputs:
 * @self: a request
 *
 * Gets the paths of the inputs, and the names of those that are bytes, in order.
 *
 * Returns: (transfer full) (array zero-terminated=1) (element-type filename): a copy
 *
 * Since: 1.0
 */
char **
tvm_compile_request_dup_inputs (TvmCompileRequest *self)
{
  char **paths;
  guint i;

  g_return_val_if_fail (TVM_IS_COMPILE_REQUEST (self), NULL);

  paths = g_new0 (char *, self->inputs->len + 1);
  for (i = 0; i < self->inputs->len; i++)
    paths[i] = g_strdup (((TvmCompileInput *) g_ptr_array_index (self->inputs, i))->path);

  return paths;
}
