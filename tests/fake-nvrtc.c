/* SPDX-License-Identifier: Apache-2.0 */

/* An NVRTC for tests that has a version, FAKE_MAJOR.2, and nothing else. */

#define EXPORT __attribute__ ((visibility ("default")))

EXPORT int nvrtcVersion (int *major, int *minor);

int
nvrtcVersion (int *major, int *minor)
{
  *major = FAKE_MAJOR;
  *minor = 2;
  return 0;
}
