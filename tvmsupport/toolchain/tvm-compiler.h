/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#if !defined(TVM_SUPPORT_INSIDE) && !defined(TVM_SUPPORT_COMPILATION)
#error "Only <tvmsupport/tvmsupport.h> can be included directly."
#endif

#include <gio/gio.h>

#include <tvmsupport/toolchain/tvm-compile-request.h>
#include <tvmsupport/toolchain/tvm-compile-result.h>
#include <tvmsupport/toolchain/tvm-kernel-cache.h>
#include <tvmsupport/toolchain/tvm-toolchain.h>
#include <tvmsupport/tvm-version-macros.h>

G_BEGIN_DECLS

#define TVM_TYPE_COMPILER (tvm_compiler_get_type ())

TVM_SUPPORT_AVAILABLE_IN_1_0
G_DECLARE_DERIVABLE_TYPE (TvmCompiler, tvm_compiler, TVM, COMPILER, GObject)

struct _TvmCompilerClass
{
  GObjectClass parent_class;

  /**
   * TvmCompilerClass::build_argv:
   * @self: a compiler
   * @toolchain: what it runs
   * @request: one step: an object file from one source, a link, or an archive; its
   *   [property@TvmSupport.CompileRequest:output] is where the tool is to write, which is not yet
   *   the place where the output ends up
   * @error: a #GError
   *
   * Makes the command line of one step. The command starts with the compiler, without the wrapper
   * of @toolchain, which is put in front of it. An implementation may chain up and change what it
   * gets. It is called in the thread that started the compile.
   *
   * Returns: (transfer full) (array zero-terminated=1) (element-type filename): the command line
   *
   * Since: 1.0
   */
  char             **(* build_argv)     (TvmCompiler          *self,
                                         TvmToolchain         *toolchain,
                                         TvmCompileRequest    *request,
                                         GError              **error);

  /**
   * TvmCompilerClass::compile_async:
   * @self: a compiler
   * @request: what to make
   * @cancellable: (nullable): a #GCancellable
   * @callback: (scope async) (closure user_data): called when it is done
   * @user_data: data for @callback
   *
   * Runs a whole request. The default runs [vfunc@TvmSupport.Compiler.build_argv] for each step.
   *
   * Since: 1.0
   */
  void               (* compile_async)  (TvmCompiler          *self,
                                         TvmCompileRequest    *request,
                                         GCancellable         *cancellable,
                                         GAsyncReadyCallback   callback,
                                         gpointer              user_data);

  /**
   * TvmCompilerClass::compile_finish:
   * @self: a compiler
   * @result: what the callback was given
   * @error: a #GError
   *
   * Ends what `compile_async` began.
   *
   * Returns: (transfer full): the result
   *
   * Since: 1.0
   */
  TvmCompileResult  *(* compile_finish) (TvmCompiler          *self,
                                         GAsyncResult         *result,
                                         GError              **error);

  /*< private >*/
  gpointer _reserved[12];
};


TVM_SUPPORT_AVAILABLE_IN_1_0
TvmCompiler      *tvm_compiler_new                    (TvmToolchain         *toolchain);
TVM_SUPPORT_AVAILABLE_IN_1_0
TvmCompiler      *tvm_compiler_new_for_command        (const char           *command);
TVM_SUPPORT_AVAILABLE_IN_1_0
TvmCompiler      *tvm_compiler_new_cross              (const char           *command,
                                                       const char * const   *options,
                                                       const char           *output_format,
                                                       const char * const   *add_files);
TVM_SUPPORT_AVAILABLE_IN_1_0
TvmCompiler      *tvm_compiler_new_ndk                (GError              **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
TvmCompiler      *tvm_compiler_new_emcc               (const char           *command,
                                                       GError              **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
TvmToolchain     *tvm_compiler_get_toolchain          (TvmCompiler          *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
const char       *tvm_compiler_get_command            (TvmCompiler          *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
const char       *tvm_compiler_get_target_triple      (TvmCompiler          *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
const char       *tvm_compiler_get_output_format      (TvmCompiler          *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
char            **tvm_compiler_dup_options            (TvmCompiler          *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
void              tvm_compiler_set_options            (TvmCompiler          *self,
                                                       const char * const   *options);
TVM_SUPPORT_AVAILABLE_IN_1_0
char            **tvm_compiler_dup_add_files          (TvmCompiler          *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
void              tvm_compiler_set_add_files          (TvmCompiler          *self,
                                                       const char * const   *add_files);
TVM_SUPPORT_AVAILABLE_IN_1_0
guint             tvm_compiler_get_max_jobs           (TvmCompiler          *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
void              tvm_compiler_set_max_jobs           (TvmCompiler          *self,
                                                       guint                 max_jobs);
TVM_SUPPORT_AVAILABLE_IN_1_0
guint64           tvm_compiler_get_memory_per_job     (TvmCompiler          *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
void              tvm_compiler_set_memory_per_job     (TvmCompiler          *self,
                                                       guint64               memory_per_job);
TVM_SUPPORT_AVAILABLE_IN_1_0
TvmKernelCache   *tvm_compiler_get_cache              (TvmCompiler          *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
void              tvm_compiler_set_cache              (TvmCompiler          *self,
                                                       TvmKernelCache       *cache);
TVM_SUPPORT_AVAILABLE_IN_1_0
TvmToolchain *tvm_compiler_load_toolchain (TvmCompiler  *self,
                                           GCancellable *cancellable,
                                           GError      **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
void tvm_compiler_load_toolchain_async (TvmCompiler        *self,
                                        GCancellable       *cancellable,
                                        GAsyncReadyCallback callback,
                                        gpointer            user_data);
TVM_SUPPORT_AVAILABLE_IN_1_0
TvmToolchain *tvm_compiler_load_toolchain_finish (TvmCompiler  *self,
                                                  GAsyncResult *result,
                                                  GError      **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
TvmCompileResult *tvm_compiler_compile (TvmCompiler       *self,
                                        TvmCompileRequest *request,
                                        GCancellable      *cancellable,
                                        GError           **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
void tvm_compiler_compile_async (TvmCompiler        *self,
                                 TvmCompileRequest  *request,
                                 GCancellable       *cancellable,
                                 GAsyncReadyCallback callback,
                                 gpointer            user_data);
TVM_SUPPORT_AVAILABLE_IN_1_0
TvmCompileResult *tvm_compiler_compile_finish (TvmCompiler  *self,
                                               GAsyncResult *result,
                                               GError      **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
GListModel *tvm_compiler_compile_all (TvmCompiler  *self,
                                      GListModel   *requests,
                                      GCancellable *cancellable,
                                      GError      **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
void tvm_compiler_compile_all_async (TvmCompiler        *self,
                                     GListModel         *requests,
                                     GCancellable       *cancellable,
                                     GAsyncReadyCallback callback,
                                     gpointer            user_data);
TVM_SUPPORT_AVAILABLE_IN_1_0
GListModel *tvm_compiler_compile_all_finish (TvmCompiler  *self,
                                             GAsyncResult *result,
                                             GError      **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
TvmCompileResult *tvm_compiler_create_shared (TvmCompiler        *self,
                                              const char         *output,
                                              const char * const *objects,
                                              const char * const *options,
                                              const char         *cwd,
                                              const char * const *ccache_environ,
                                              GCancellable       *cancellable,
                                              GError            **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
void tvm_compiler_create_shared_async (TvmCompiler        *self,
                                       const char         *output,
                                       const char * const *objects,
                                       const char * const *options,
                                       const char         *cwd,
                                       const char * const *ccache_environ,
                                       GCancellable       *cancellable,
                                       GAsyncReadyCallback callback,
                                       gpointer            user_data);
TVM_SUPPORT_AVAILABLE_IN_1_0
TvmCompileResult *tvm_compiler_create_shared_finish (TvmCompiler  *self,
                                                     GAsyncResult *result,
                                                     GError      **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
TvmCompileResult *tvm_compiler_create_executable (TvmCompiler        *self,
                                                  const char         *output,
                                                  const char * const *objects,
                                                  const char * const *options,
                                                  const char         *cwd,
                                                  const char * const *ccache_environ,
                                                  GCancellable       *cancellable,
                                                  GError            **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
void tvm_compiler_create_executable_async (TvmCompiler        *self,
                                           const char         *output,
                                           const char * const *objects,
                                           const char * const *options,
                                           const char         *cwd,
                                           const char * const *ccache_environ,
                                           GCancellable       *cancellable,
                                           GAsyncReadyCallback callback,
                                           gpointer            user_data);
TVM_SUPPORT_AVAILABLE_IN_1_0
TvmCompileResult *tvm_compiler_create_executable_finish (TvmCompiler  *self,
                                                         GAsyncResult *result,
                                                         GError      **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
TvmCompileResult *tvm_compiler_create_staticlib (TvmCompiler        *self,
                                                 const char         *output,
                                                 const char * const *inputs,
                                                 const char         *ar,
                                                 GCancellable       *cancellable,
                                                 GError            **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
void tvm_compiler_create_staticlib_async (TvmCompiler        *self,
                                          const char         *output,
                                          const char * const *inputs,
                                          const char         *ar,
                                          GCancellable       *cancellable,
                                          GAsyncReadyCallback callback,
                                          gpointer            user_data);
TVM_SUPPORT_AVAILABLE_IN_1_0
TvmCompileResult *tvm_compiler_create_staticlib_finish (TvmCompiler  *self,
                                                        GAsyncResult *result,
                                                        GError      **error);

G_END_DECLS
