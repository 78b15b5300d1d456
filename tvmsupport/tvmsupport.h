/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#define TVM_SUPPORT_INSIDE

#include <tvmsupport/files/tvm-file-lock.h>
#include <tvmsupport/files/tvm-path.h>
#include <tvmsupport/files/tvm-tar-entry.h>
#include <tvmsupport/files/tvm-tar-options.h>
#include <tvmsupport/files/tvm-tar.h>
#include <tvmsupport/files/tvm-temp-directory.h>
#include <tvmsupport/gpu/tvm-cuda-arch.h>
#include <tvmsupport/gpu/tvm-hipcc-compiler.h>
#include <tvmsupport/gpu/tvm-hiprtc-compiler.h>
#include <tvmsupport/gpu/tvm-nvcc-compiler.h>
#include <tvmsupport/gpu/tvm-nvcc.h>
#include <tvmsupport/gpu/tvm-nvrtc-compiler.h>
#include <tvmsupport/gpu/tvm-rocm.h>
#include <tvmsupport/pool/tvm-kill.h>
#include <tvmsupport/pool/tvm-map-iterator.h>
#include <tvmsupport/pool/tvm-pool-executor.h>
#include <tvmsupport/pool/tvm-popen-worker.h>
#include <tvmsupport/pool/tvm-task-result.h>
#include <tvmsupport/pool/tvm-task.h>
#include <tvmsupport/pool/tvm-worker-info.h>
#include <tvmsupport/pool/tvm-worker-spec.h>
#include <tvmsupport/toolchain/tvm-cc.h>
#include <tvmsupport/toolchain/tvm-clang.h>
#include <tvmsupport/toolchain/tvm-compile-commands.h>
#include <tvmsupport/toolchain/tvm-compile-request.h>
#include <tvmsupport/toolchain/tvm-compile-result.h>
#include <tvmsupport/toolchain/tvm-compiler.h>
#include <tvmsupport/toolchain/tvm-diagnostic.h>
#include <tvmsupport/toolchain/tvm-emcc.h>
#include <tvmsupport/toolchain/tvm-kernel-cache.h>
#include <tvmsupport/toolchain/tvm-toolchain.h>
#include <tvmsupport/toolchain/tvm-xcode.h>
#include <tvmsupport/tvm-describe.h>
#include <tvmsupport/tvm-enums.h>
#include <tvmsupport/tvm-error.h>
#include <tvmsupport/tvm-version-macros.h>
#include <tvmsupport/tvm-version.h>
#include <tvmsupport/worker/tvm-worker-call.h>
#include <tvmsupport/worker/tvm-worker-channel.h>
#include <tvmsupport/worker/tvm-worker-nursery.h>
#include <tvmsupport/worker/tvm-worker.h>

#undef TVM_SUPPORT_INSIDE
