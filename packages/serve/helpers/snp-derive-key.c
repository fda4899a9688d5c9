/*
 * Asks the AMD secure processor for a key that only this guest derives, and writes its 32 bytes to standard output:
 * the program `snp-derive-key` of docs/hardware.md. Node has no ioctl, so that a KMS has it as a program beside it.
 *
 *   cc -std=c11 -O2 -Wall -Wextra -Werror -static -o snp-derive-key snp-derive-key.c
 *
 * Needs the headers of Linux 6.3 or later. Put it into the measured image, below /usr/local/bin, for root alone. Whoever
 * may open /dev/sev-guest derives the same key without it: nothing but the KMS may run in such a guest.
 *
 * Exit status: 0, or 1 with one line on standard error, which never holds a part of a key. NOT SEEN ON HARDWARE.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/sev-guest.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <unistd.h>

#define DEVICE "/dev/sev-guest"
#define KEY_BYTES 32

/* MSG_KEY_REQ of the SEV-SNP firmware ABI (AMD 56860): the key of the chip, not one that a migration agent made. */
#define ROOT_KEY_VCEK 0
/*
 * GUEST_FIELD_SELECT. POLICY, so that a guest which may be debugged or migrated has another key; MEASUREMENT, so that
 * another program has. GUEST_SVN and TCB_VERSION are left out: a key has to outlive updates of the firmware.
 */
#define FIELD_POLICY (UINT64_C(1) << 0)
#define FIELD_MEASUREMENT (UINT64_C(1) << 3)

/* MSG_KEY_RSP: STATUS, reserved to 0x20, DERIVED_KEY. The kernel gives these 64 bytes as they come. */
struct key_response {
  uint32_t status;
  uint8_t reserved[28];
  uint8_t key[KEY_BYTES];
};
_Static_assert(sizeof(struct key_response) == sizeof(struct snp_derived_key_resp), "MSG_KEY_RSP has 64 bytes");

static int fail(const char *what, const char *why) {
  fprintf(stderr, "%s: %s\n", what, why);
  return 1;
}

/* Gives the key to whoever reads our output, in as many pieces as it takes. */
static int put(const uint8_t *key) {
  size_t done = 0;
  while (done < KEY_BYTES) {
    ssize_t n = write(STDOUT_FILENO, key + done, KEY_BYTES - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return fail("standard output", n < 0 ? strerror(errno) : "closed");
    done += (size_t)n;
  }
  return 0;
}

static int derive(struct key_response *response) {
  /* VMPL 0: firmware refuses it to less privileged software, so that an SVSM above us has keys of its own. */
  struct snp_derived_key_req request = {
      .root_key_select = ROOT_KEY_VCEK,
      .guest_field_select = FIELD_POLICY | FIELD_MEASUREMENT,
  };
  struct snp_guest_request_ioctl call = {
      .msg_version = 1,
      .req_data = (uint64_t)(uintptr_t)&request,
      .resp_data = (uint64_t)(uintptr_t)response,
  };
  int device = open(DEVICE, O_RDWR | O_CLOEXEC);
  if (device < 0) return fail(DEVICE, strerror(errno));
  int result = ioctl(device, SNP_GET_DERIVED_KEY, &call);
  int error = errno;
  close(device);
  if (result != 0) {
    fprintf(stderr, "SNP_GET_DERIVED_KEY: %s, firmware error 0x%x, VMM error 0x%x\n", strerror(error),
            (unsigned)call.fw_error, (unsigned)call.vmm_error);
    return 1;
  }
  if (response->status != 0) {
    fprintf(stderr, "MSG_KEY_RSP: STATUS 0x%x\n", (unsigned)response->status);
    return 1;
  }
  static const uint8_t none[KEY_BYTES];
  if (memcmp(response->key, none, KEY_BYTES) == 0) return fail("MSG_KEY_RSP", "DERIVED_KEY is all zero");
  return 0;
}

int main(int argc, char **argv) {
  (void)argv;
  if (argc != 1) return fail("snp-derive-key", "takes no arguments");
  if (isatty(STDOUT_FILENO)) return fail("snp-derive-key", "writes a key, and not to a terminal");
  /* No core dump and no debugger: either would hold the key. */
  if (prctl(PR_SET_DUMPABLE, 0) != 0) return fail("PR_SET_DUMPABLE", strerror(errno));
  struct key_response response = {0};
  int status = derive(&response);
  if (status == 0) status = put(response.key);
  explicit_bzero(&response, sizeof response);
  return status;
}
