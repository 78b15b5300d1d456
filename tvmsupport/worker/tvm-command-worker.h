/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Runs the commands that come on @channel_fd, until it ends. @page_fd: the status page. Returns:
 * an exit status */
int tvm_command_worker_run (int channel_fd,
                            int page_fd);
