/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-compile-request-private.h"

TvmCompileRequest *
tvm_compile_request_copy_bare (TvmCompileRequest *self,
                               TvmCompileKind     kind)
{
  TvmCompileRequest *copy = tvm_compile_request_new (kind);

  copy->output = g_strdup (self->output);
  copy->options = g_strdupv (self->options);
  copy->link_options = g_strdupv (self->link_options);
  copy->libraries = g_strdupv (self->libraries);
  copy->working_directory = g_strdup (self->working_directory);
  copy->environ_ = g_strdupv (self->environ_);
  copy->ccache_environ = g_strdupv (self->ccache_environ);
  copy->archiver = g_strdup (self->archiver);
  copy->arch = g_strdup (self->arch);
  copy->name_expressions = g_strdupv (self->name_expressions);
  copy->timeout_msec = self->timeout_msec;
  copy->memory_limit = self->memory_limit;
  copy->output_limit = self->output_limit;
  copy->pic = self->pic;

  return copy;
}

/**
 * tvm_compile_request_copy:
 * @self: a request
 *
 * Makes a request that is equal to @self and independent of it.
 *
 * Returns: (transfer full): a new request
 *
 * Since: 1.0
 */
TvmCompileRequest *
tvm_compile_request_copy (TvmCompileRequest *self)
{
  TvmCompileRequest *copy;
  guint i;

  g_return_val_if_fail (TVM_IS_COMPILE_REQUEST (self), NULL);

  copy = tvm_compile_request_copy_bare (self, self->kind);
  copy->link_runtime = self->link_runtime;
  for (i = 0; i < self->inputs->len; i++)
    {
      const TvmCompileInput *input = g_ptr_array_index (self->inputs, i);

      if (input->bytes != NULL)
        tvm_compile_request_add_input_bytes (copy, input->path, input->bytes, input->language);
      else
        tvm_compile_request_add_input (copy, input->path, input->language);
    }

  return copy;
}

/**
 * tvm_compile_request_dup_name_expressions: (get-property name-expressions)
 * @self: a request
 *
 * Gets the expressions whose names in the output are wanted.
 *
 * Returns: (transfer full) (nullable) (array zero-terminated=1): a copy
 *
 * Since: 1.0
 */
char **
tvm_compile_request_dup_name_expressions (TvmCompileRequest *self)
{
  g_return_val_if_fail (TVM_IS_COMPILE_REQUEST (self), NULL);

  return g_strdupv (self->name_expressions);
}
