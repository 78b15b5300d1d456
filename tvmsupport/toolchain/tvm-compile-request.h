/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#if !defined(TVM_SUPPORT_INSIDE) && !defined(TVM_SUPPORT_COMPILATION)
#error "Only <tvmsupport/tvmsupport.h> can be included directly."
#endif

#include <gio/gio.h>

#include <tvmsupport/tvm-version-macros.h>

G_BEGIN_DECLS

/**
 * TvmCompileKind:
 * @TVM_COMPILE_KIND_OBJECT: one source file to an object file
 * @TVM_COMPILE_KIND_SHARED: a shared library
 * @TVM_COMPILE_KIND_STATIC: a static library
 * @TVM_COMPILE_KIND_EXECUTABLE: a program
 * @TVM_COMPILE_KIND_LLVM_IR: one source file to LLVM's intermediate language: text if the name of the
 *   output ends with `.ll`, else bitcode
 * @TVM_COMPILE_KIND_PTX: one CUDA source to PTX, the assembly of NVIDIA's virtual machine
 * @TVM_COMPILE_KIND_CUBIN: one CUDA source to the machine code of one NVIDIA architecture
 * @TVM_COMPILE_KIND_FATBIN: one CUDA source to a container of code for several architectures
 * @TVM_COMPILE_KIND_LTO_IR: one CUDA source to what NVIDIA's linker optimizes when it links
 * @TVM_COMPILE_KIND_HSACO: one HIP source to a code object of AMD's GPUs
 * @TVM_COMPILE_KIND_WASM: a WebAssembly module without an entry point, linked from any number of
 *   inputs by emscripten, or by a clang whose target is WebAssembly
 *
 * What a [class@TvmSupport.CompileRequest] produces. The kind is always explicit; it never follows
 * from the name of the output.
 *
 * Since: 1.0
 */
typedef enum
{
  TVM_COMPILE_KIND_OBJECT,
  TVM_COMPILE_KIND_SHARED,
  TVM_COMPILE_KIND_STATIC,
  TVM_COMPILE_KIND_EXECUTABLE,
  TVM_COMPILE_KIND_LLVM_IR,
  TVM_COMPILE_KIND_PTX,
  TVM_COMPILE_KIND_CUBIN,
  TVM_COMPILE_KIND_FATBIN,
  TVM_COMPILE_KIND_LTO_IR,
  TVM_COMPILE_KIND_HSACO,
  TVM_COMPILE_KIND_WASM,
} TvmCompileKind;

/**
 * TvmLanguage:
 * @TVM_LANGUAGE_AUTO: by the suffix of the file's name; a file whose suffix is that of no language
 *   goes to the linker
 * @TVM_LANGUAGE_C: C
 * @TVM_LANGUAGE_CXX: C++
 * @TVM_LANGUAGE_OBJC: Objective-C
 * @TVM_LANGUAGE_OBJCXX: Objective-C++
 * @TVM_LANGUAGE_ASSEMBLER: assembler
 * @TVM_LANGUAGE_ASSEMBLER_CPP: assembler that goes through the preprocessor
 * @TVM_LANGUAGE_LLVM_IR: LLVM's intermediate language, as text or bitcode; clang only
 * @TVM_LANGUAGE_CUDA: CUDA C++
 * @TVM_LANGUAGE_HIP: HIP C++
 * @TVM_LANGUAGE_OPENCL: OpenCL C; clang only
 *
 * The language of an input.
 *
 * Since: 1.0
 */
typedef enum
{
  TVM_LANGUAGE_AUTO,
  TVM_LANGUAGE_C,
  TVM_LANGUAGE_CXX,
  TVM_LANGUAGE_OBJC,
  TVM_LANGUAGE_OBJCXX,
  TVM_LANGUAGE_ASSEMBLER,
  TVM_LANGUAGE_ASSEMBLER_CPP,
  TVM_LANGUAGE_LLVM_IR,
  TVM_LANGUAGE_CUDA,
  TVM_LANGUAGE_HIP,
  TVM_LANGUAGE_OPENCL,
} TvmLanguage;

#define TVM_TYPE_COMPILE_REQUEST (tvm_compile_request_get_type ())

TVM_SUPPORT_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (TvmCompileRequest, tvm_compile_request, TVM, COMPILE_REQUEST, GObject)

TVM_SUPPORT_AVAILABLE_IN_1_0
TvmCompileRequest *tvm_compile_request_new                   (TvmCompileKind       kind);
TVM_SUPPORT_AVAILABLE_IN_1_0
TvmCompileRequest *tvm_compile_request_new_tvmjs             (const char * const  *objects,
                                                              const char * const  *options,
                                                              const char * const  *libs,
                                                              const char * const  *runtime,
                                                              GError             **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
TvmCompileRequest *tvm_compile_request_copy                  (TvmCompileRequest   *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
void               tvm_compile_request_add_input             (TvmCompileRequest   *self,
                                                              const char          *path,
                                                              TvmLanguage          language);
TVM_SUPPORT_AVAILABLE_IN_1_0
void               tvm_compile_request_add_input_bytes       (TvmCompileRequest   *self,
                                                              const char          *name,
                                                              GBytes              *bytes,
                                                              TvmLanguage          language);
TVM_SUPPORT_AVAILABLE_IN_1_0
char             **tvm_compile_request_dup_inputs            (TvmCompileRequest   *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
TvmCompileKind     tvm_compile_request_get_kind              (TvmCompileRequest   *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
const char        *tvm_compile_request_get_output            (TvmCompileRequest   *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
void               tvm_compile_request_set_output            (TvmCompileRequest   *self,
                                                              const char          *output);
TVM_SUPPORT_AVAILABLE_IN_1_0
char             **tvm_compile_request_dup_options           (TvmCompileRequest   *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
void               tvm_compile_request_set_options           (TvmCompileRequest   *self,
                                                              const char * const  *options);
TVM_SUPPORT_AVAILABLE_IN_1_0
char             **tvm_compile_request_dup_link_options      (TvmCompileRequest   *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
void               tvm_compile_request_set_link_options      (TvmCompileRequest   *self,
                                                              const char * const  *link_options);
TVM_SUPPORT_AVAILABLE_IN_1_0
char             **tvm_compile_request_dup_libraries         (TvmCompileRequest   *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
void               tvm_compile_request_set_libraries         (TvmCompileRequest   *self,
                                                              const char * const  *libraries);
TVM_SUPPORT_AVAILABLE_IN_1_0
const char        *tvm_compile_request_get_working_directory (TvmCompileRequest   *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
void               tvm_compile_request_set_working_directory (TvmCompileRequest   *self,
                                                              const char          *working_directory);
TVM_SUPPORT_AVAILABLE_IN_1_0
char             **tvm_compile_request_dup_environ           (TvmCompileRequest   *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
void               tvm_compile_request_set_environ           (TvmCompileRequest   *self,
                                                              const char * const  *environ_);
TVM_SUPPORT_AVAILABLE_IN_1_0
char             **tvm_compile_request_dup_ccache_environ    (TvmCompileRequest   *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
void               tvm_compile_request_set_ccache_environ    (TvmCompileRequest   *self,
                                                              const char * const  *ccache_environ);
TVM_SUPPORT_AVAILABLE_IN_1_0
char              *tvm_compile_request_dup_archiver          (TvmCompileRequest   *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
void               tvm_compile_request_set_archiver          (TvmCompileRequest   *self,
                                                              const char          *archiver);
TVM_SUPPORT_AVAILABLE_IN_1_0
const char        *tvm_compile_request_get_arch              (TvmCompileRequest   *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
void               tvm_compile_request_set_arch              (TvmCompileRequest   *self,
                                                              const char          *arch);
TVM_SUPPORT_AVAILABLE_IN_1_0
char             **tvm_compile_request_dup_name_expressions  (TvmCompileRequest   *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
void               tvm_compile_request_set_name_expressions  (TvmCompileRequest   *self,
                                                              const char * const  *name_expressions);
TVM_SUPPORT_AVAILABLE_IN_1_0
gint64             tvm_compile_request_get_timeout           (TvmCompileRequest   *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
void               tvm_compile_request_set_timeout           (TvmCompileRequest   *self,
                                                              gint64               timeout_msec);
TVM_SUPPORT_AVAILABLE_IN_1_0
guint64            tvm_compile_request_get_memory_limit      (TvmCompileRequest   *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
void               tvm_compile_request_set_memory_limit      (TvmCompileRequest   *self,
                                                              guint64              memory_limit);
TVM_SUPPORT_AVAILABLE_IN_1_0
guint64            tvm_compile_request_get_output_limit      (TvmCompileRequest   *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
void               tvm_compile_request_set_output_limit      (TvmCompileRequest   *self,
                                                              guint64              output_limit);
TVM_SUPPORT_AVAILABLE_IN_1_0
gboolean           tvm_compile_request_get_pic               (TvmCompileRequest   *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
void               tvm_compile_request_set_pic               (TvmCompileRequest   *self,
                                                              gboolean             pic);

G_END_DECLS
