/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-compile-request-private.h"

#include <string.h>

/* The suffixes that gcc and clang agree on. They are case-sensitive: .c is C and .C is C++. */
static const struct
{
  const char *suffix;
  TvmLanguage language;
} suffixes[] = {
  { "c", TVM_LANGUAGE_C },
  { "i", TVM_LANGUAGE_C },
  { "cc", TVM_LANGUAGE_CXX },
  { "cp", TVM_LANGUAGE_CXX },
  { "cxx", TVM_LANGUAGE_CXX },
  { "cpp", TVM_LANGUAGE_CXX },
  { "CPP", TVM_LANGUAGE_CXX },
  { "c++", TVM_LANGUAGE_CXX },
  { "C", TVM_LANGUAGE_CXX },
  { "ii", TVM_LANGUAGE_CXX },
  { "m", TVM_LANGUAGE_OBJC },
  { "mm", TVM_LANGUAGE_OBJCXX },
  { "M", TVM_LANGUAGE_OBJCXX },
  { "s", TVM_LANGUAGE_ASSEMBLER },
  { "S", TVM_LANGUAGE_ASSEMBLER_CPP },
  { "sx", TVM_LANGUAGE_ASSEMBLER_CPP },
  { "ll", TVM_LANGUAGE_LLVM_IR },
  { "bc", TVM_LANGUAGE_LLVM_IR },
  { "cu", TVM_LANGUAGE_CUDA },
  { "hip", TVM_LANGUAGE_HIP },
  { "cl", TVM_LANGUAGE_OPENCL },
};

TvmLanguage
tvm_language_from_path (const char *path)
{
  const char *slash = strrchr (path, '/');
  const char *dot = strrchr (slash != NULL ? slash : path, '.');
  guint i;

  if (dot == NULL)
    return TVM_LANGUAGE_AUTO;

  for (i = 0; i < G_N_ELEMENTS (suffixes); i++)
    {
      if (strcmp (dot + 1, suffixes[i].suffix) == 0)
        return suffixes[i].language;
    }

  return TVM_LANGUAGE_AUTO;
}

gboolean
tvm_language_is_cxx (TvmLanguage language)
{
  return language == TVM_LANGUAGE_CXX || language == TVM_LANGUAGE_OBJCXX
         || language == TVM_LANGUAGE_CUDA || language == TVM_LANGUAGE_HIP;
}

const char *
tvm_language_get_x_name (TvmLanguage language)
{
  switch (language)
    {
    case TVM_LANGUAGE_C:
      return "c";
    case TVM_LANGUAGE_CXX:
      return "c++";
    case TVM_LANGUAGE_OBJC:
      return "objective-c";
    case TVM_LANGUAGE_OBJCXX:
      return "objective-c++";
    case TVM_LANGUAGE_ASSEMBLER:
      return "assembler";
    case TVM_LANGUAGE_ASSEMBLER_CPP:
      return "assembler-with-cpp";
    case TVM_LANGUAGE_LLVM_IR:
      return "ir";
    case TVM_LANGUAGE_CUDA:
      return "cu";
    case TVM_LANGUAGE_HIP:
      return "hip";
    case TVM_LANGUAGE_OPENCL:
      return "cl";
    case TVM_LANGUAGE_AUTO:
    default:
      return "none";
    }
}
