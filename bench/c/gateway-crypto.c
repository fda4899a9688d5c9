/*
 * The same work as a gateway does for one request, in C on libcrypto: the floor that
 * bench/gateway-crypto.ts is compared with. HPKE base mode with DHKEM(X25519, HKDF-SHA256),
 * HKDF-SHA256 and AES-128-GCM (RFC 9180), then the response keys of RFC 9458 Section 4.4.
 * Everything that can be prepared once is prepared once.
 *
 * Usage: gateway-crypto <body bytes> <seconds>
 * Prints one line of JSON: CPU microseconds per exchange.
 */
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define TAG 16
#define REQUESTS 256
#define CHECK(ok) do { if (!(ok)) { fprintf(stderr, "failed at line %d\n", __LINE__); exit(1); } } while (0)

typedef struct { unsigned char bytes[512]; size_t length; } Message;
typedef struct { unsigned char enc[32]; unsigned char *sealed; } Request;

static const unsigned char KEM_SUITE[] = {'K', 'E', 'M', 0, 0x20};
static const unsigned char SUITE[] = {'H', 'P', 'K', 'E', 0, 0x20, 0, 1, 0, 1};
static Message eae_prefix, shared_prefix, secret_ikm, key_info, nonce_info, exp_info, export_info;
static HMAC_CTX *hmac_context;
static EVP_CIPHER_CTX *cipher_context;
static EVP_CIPHER *aes;

static void add(Message *m, const void *bytes, size_t length) {
  memcpy(m->bytes + m->length, bytes, length);
  m->length += length;
}

static void hmac(const unsigned char *key, size_t key_length, const unsigned char *a, size_t a_length,
                 const unsigned char *b, size_t b_length, unsigned char out[32]) {
  unsigned int length = 32;
  CHECK(HMAC_Init_ex(hmac_context, key, (int)key_length, EVP_sha256(), NULL));
  CHECK(HMAC_Update(hmac_context, a, a_length));
  if (b_length > 0) CHECK(HMAC_Update(hmac_context, b, b_length));
  CHECK(HMAC_Final(hmac_context, out, &length));
}

/* HKDF-Expand of one block: the counter is the last byte of the message. */
static void expand(const unsigned char prk[32], const Message *info, unsigned char out[32]) {
  hmac(prk, 32, info->bytes, info->length, (const unsigned char *)"\x01", 1, out);
}

static Message extract_message(const unsigned char *suite, size_t suite_length, const char *label) {
  Message m = {.length = 0};
  add(&m, "HPKE-v1", 7);
  add(&m, suite, suite_length);
  add(&m, label, strlen(label));
  return m;
}

static Message expand_message(const unsigned char *suite, size_t suite_length, const char *label,
                              const unsigned char *context, size_t context_length, int length) {
  Message m = {.length = 0};
  unsigned char size[2] = {0, (unsigned char)length};
  Message rest = extract_message(suite, suite_length, label);
  add(&m, size, 2);
  add(&m, rest.bytes, rest.length);
  add(&m, context, context_length);
  return m;
}

static void prepare(void) {
  unsigned char context[65] = {0};
  Message psk_id = extract_message(SUITE, sizeof SUITE, "psk_id_hash");
  Message info = extract_message(SUITE, sizeof SUITE, "info_hash");
  static const unsigned char header[] = {1, 0, 0x20, 0, 1, 0, 1};
  add(&info, "message/bhttp request", 22);
  add(&info, header, sizeof header);
  hmac((const unsigned char *)"", 0, psk_id.bytes, psk_id.length, NULL, 0, context + 1);
  hmac((const unsigned char *)"", 0, info.bytes, info.length, NULL, 0, context + 33);
  eae_prefix = extract_message(KEM_SUITE, sizeof KEM_SUITE, "eae_prk");
  shared_prefix = expand_message(KEM_SUITE, sizeof KEM_SUITE, "shared_secret", NULL, 0, 32);
  secret_ikm = extract_message(SUITE, sizeof SUITE, "secret");
  key_info = expand_message(SUITE, sizeof SUITE, "key", context, 65, 16);
  nonce_info = expand_message(SUITE, sizeof SUITE, "base_nonce", context, 65, 12);
  exp_info = expand_message(SUITE, sizeof SUITE, "exp", context, 65, 32);
  export_info = expand_message(SUITE, sizeof SUITE, "sec", (const unsigned char *)"message/bhttp response", 22, 16);
}

/* Decap or Encap after the key exchange, and the key schedule: six HMACs. */
static void schedule(EVP_PKEY *mine, EVP_PKEY *peer, const unsigned char enc[32], const unsigned char pk[32],
                     unsigned char key[32], unsigned char nonce[32], unsigned char exporter[32]) {
  unsigned char dh[32], prk[32], shared[32], secret[32];
  size_t length = 32;
  EVP_PKEY_CTX *derive = EVP_PKEY_CTX_new(mine, NULL);
  CHECK(derive && EVP_PKEY_derive_init(derive) > 0 && EVP_PKEY_derive_set_peer(derive, peer) > 0);
  CHECK(EVP_PKEY_derive(derive, dh, &length) > 0);
  EVP_PKEY_CTX_free(derive);
  hmac((const unsigned char *)"", 0, eae_prefix.bytes, eae_prefix.length, dh, 32, prk);
  Message info = shared_prefix;
  add(&info, enc, 32);
  add(&info, pk, 32);
  expand(prk, &info, shared);
  hmac(shared, 32, secret_ikm.bytes, secret_ikm.length, NULL, 0, secret);
  expand(secret, &key_info, key);
  expand(secret, &nonce_info, nonce);
  expand(secret, &exp_info, exporter);
}

static void seal(const unsigned char *key, const unsigned char *nonce, const unsigned char *in, size_t length,
                 unsigned char *out) {
  int n;
  CHECK(EVP_EncryptInit_ex(cipher_context, aes, NULL, key, nonce));
  CHECK(EVP_EncryptUpdate(cipher_context, out, &n, in, (int)length));
  CHECK(EVP_EncryptFinal_ex(cipher_context, out + length, &n));
  CHECK(EVP_CIPHER_CTX_ctrl(cipher_context, EVP_CTRL_AEAD_GET_TAG, TAG, out + length));
}

static void open_sealed(const unsigned char *key, const unsigned char *nonce, unsigned char *in, size_t length,
                        unsigned char *out) {
  int n;
  CHECK(EVP_DecryptInit_ex(cipher_context, aes, NULL, key, nonce));
  CHECK(EVP_DecryptUpdate(cipher_context, out, &n, in, (int)length));
  CHECK(EVP_CIPHER_CTX_ctrl(cipher_context, EVP_CTRL_AEAD_SET_TAG, TAG, in + length));
  CHECK(EVP_DecryptFinal_ex(cipher_context, out + length, &n));
}

static double cpu_seconds(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

int main(int argc, char **argv) {
  CHECK(argc == 3);
  size_t length = (size_t)atol(argv[1]);
  double seconds = atof(argv[2]);
  int count = length > 1 << 20 ? 2 : REQUESTS;
  unsigned char pk[32], key[32], nonce[32], exporter[32];
  size_t size = 32;
  hmac_context = HMAC_CTX_new();
  cipher_context = EVP_CIPHER_CTX_new();
  aes = EVP_CIPHER_fetch(NULL, "AES-128-GCM", NULL);
  prepare();
  EVP_PKEY *gateway = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
  CHECK(gateway && EVP_PKEY_get_raw_public_key(gateway, pk, &size));

  unsigned char *body = calloc(1, length), *plaintext = malloc(length + TAG), *out = malloc(length + TAG);
  Request *requests = calloc((size_t)count, sizeof *requests);
  EVP_PKEY *recipient = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, pk, 32);
  for (int i = 0; i < count; i++) {
    EVP_PKEY *ephemeral = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
    CHECK(EVP_PKEY_get_raw_public_key(ephemeral, requests[i].enc, &size));
    schedule(ephemeral, recipient, requests[i].enc, pk, key, nonce, exporter);
    requests[i].sealed = malloc(length + TAG);
    seal(key, nonce, body, length, requests[i].sealed);
    EVP_PKEY_free(ephemeral);
  }

  long done = 0;
  double start = cpu_seconds(), spent;
  do {
    Request *request = &requests[done % count];
    EVP_PKEY *peer = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, request->enc, 32);
    schedule(gateway, peer, request->enc, pk, key, nonce, exporter);
    EVP_PKEY_free(peer);
    open_sealed(key, nonce, request->sealed, length, plaintext);

    unsigned char secret[32], salt[48], prk[32], response_key[32], response_nonce[32];
    static const Message key_label = {"key", 3}, nonce_label = {"nonce", 5};
    expand(exporter, &export_info, secret);
    memcpy(salt, request->enc, 32);
    CHECK(RAND_bytes(salt + 32, 16));
    hmac(salt, 48, secret, 16, NULL, 0, prk);
    expand(prk, &key_label, response_key);
    expand(prk, &nonce_label, response_nonce);
    seal(response_key, response_nonce, body, length, out);
    done++;
    spent = cpu_seconds() - start;
  } while (spent < seconds);
  printf("{\"bytes\":%zu,\"exchanges\":%ld,\"cpuMicroseconds\":%.2f}\n", length, done, spent / (double)done * 1e6);
  return 0;
}
