/* The link of Sottovoce (docs/protocol.md, *Link*) for the load client: MessagePack arrays in length-prefixed frames.
 *   Hello -> challenge -> DeviceLogin (Ed25519 over challenge, pin, user, device id) -> Subscribe -> Append ...
 * User n is "u<n>", its device id and its key's seed are SHA-256("bench device|seed <n>"); room n has the id
 * SHA-256("bench room <n>") cut to 16 bytes: bench/seed_server.py puts them into the database the same way. */
#define _GNU_SOURCE
#include "loadgen.h"
#include <arpa/inet.h>
#include <dlfcn.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { HELLO = 1, LOGIN, SUBSCRIBE, FIRST_APPEND };

typedef struct { unsigned char b[1024]; size_t n; } message;

static void put(message *m, const void *p, size_t n) { memcpy(m->b + m->n, p, n); m->n += n; }
static void put_byte(message *m, unsigned v) { m->b[m->n++] = v; }
static void put_array(message *m, unsigned items) { put_byte(m, 0x90 | items); }
static void put_str(message *m, const char *s) { put_byte(m, 0xa0 | strlen(s)); put(m, s, strlen(s)); }
static void put_uint(message *m, uint32_t v) { uint32_t x = htonl(v); put_byte(m, 0xce); put(m, &x, 4); }
static void put_bin(message *m, const void *p, size_t n) {
  if (n < 256) { put_byte(m, 0xc4); put_byte(m, n); } else { put_byte(m, 0xc5); put_byte(m, n >> 8); put_byte(m, n & 255); }
  put(m, p, n);
}
static void begin(message *m, unsigned items, const char *tag, uint32_t id) {
  m->n = 4; put_array(m, items); put_str(m, tag); put_uint(m, id);
}
static void send_it(conn *c, message *m) { uint32_t l = htonl(m->n - 4); memcpy(m->b, &l, 4); lg_send(c, m->b, m->n); }

static void named(unsigned char out[32], const char *what, int n) {
  char text[64]; int k = snprintf(text, sizeof text, "bench %s %d", what, n); SHA256((unsigned char *)text, k, out);
}
/* Time-ordered, as the SDK's are: new ids fall beside each other in the server's index. */
static void message_id(unsigned char id[16], const conn *c, uint32_t seq) {
  struct timespec t; clock_gettime(CLOCK_REALTIME, &t);
  uint64_t ms = t.tv_sec * 1000ull + t.tv_nsec / 1000000; uint32_t who = htonl(c->idx), s = htonl(seq);
  for (int i = 0; i < 6; i++) id[i] = ms >> (40 - 8 * i);
  id[6] = id[7] = 0; memcpy(id + 8, &who, 4); memcpy(id + 12, &s, 4);
}
static void field(unsigned char *to, size_t *n, const void *p, size_t len) {
  uint32_t l = htonl(len); memcpy(to + *n, &l, 4); memcpy(to + *n + 4, p, len); *n += 4 + len;
}

/* The server serves nobody who does not ask for its protocol by ALPN, and the load client's core asks for none: this stands
 * before OpenSSL's function of that name in the load client. Other servers ignore the offer. */
SSL *SSL_new(SSL_CTX *context) {
  static SSL *(*real)(SSL_CTX *);
  if (!real) *(void **)&real = dlsym(RTLD_NEXT, "SSL_new");
  SSL *ssl = real(context);
  if (ssl) SSL_set_alpn_protos(ssl, (const unsigned char *)"\x0bsottovoce/1", 12);
  return ssl;
}

static void s_open(conn *c) {
  message m; begin(&m, 4, "hello", HELLO); put_array(&m, 1); put_byte(&m, 1); put_str(&m, "bench"); send_it(c, &m);
}
static void log_in(conn *c, const unsigned char challenge[32]) {
  unsigned char pin[32], device[32], seed[32], text[512], signature[64], *der = NULL; char user[16]; size_t n = 0, sn = 64;
  X509 *certificate = SSL_get1_peer_certificate(c->ssl);
  int dn = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
  SHA256(der, dn, pin); OPENSSL_free(der); X509_free(certificate);
  named(device, "device", c->user); named(seed, "seed", c->user); snprintf(user, sizeof user, "u%d", c->user);
  field(text, &n, "Sottovoce 1 Device Login", 24); field(text, &n, challenge, 32); field(text, &n, pin, 32);
  field(text, &n, user, strlen(user)); field(text, &n, device, 16);
  EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, 32); EVP_MD_CTX *x = EVP_MD_CTX_new();
  if (EVP_DigestSignInit(x, NULL, NULL, NULL, key) != 1 || EVP_DigestSign(x, signature, &sn, text, n) != 1) lg_error(c, "signing failed");
  EVP_MD_CTX_free(x); EVP_PKEY_free(key);
  message m; begin(&m, 5, "device_login", LOGIN); put_str(&m, user); put_bin(&m, device, 16); put_bin(&m, signature, 64); send_it(c, &m);
}
static void s_join(conn *c) {
  unsigned char *room = c->pptr ? c->pptr : (c->pptr = malloc(32)); named(room, "room", c->room);
  message m; begin(&m, 3, "subscribe", SUBSCRIBE); put_bin(&m, room, 16); send_it(c, &m);
}
static void s_publish(conn *c, const char *payload, size_t n, uint32_t seq) {
  unsigned char id[16]; message_id(id, c, seq);
  message m; begin(&m, 4, "append", FIRST_APPEND + (seq & 0xffffff)); put_bin(&m, c->pptr, 16);
  put_array(&m, 1); put_array(&m, 3); put_bin(&m, id, 16); put_byte(&m, 0); put_bin(&m, payload, n); send_it(c, &m);
}

/* -- a reader for the MessagePack that the server sends ----------------------------------------------------------- */
typedef struct { const unsigned char *p, *end; } reader;
static uint64_t number(reader *r, int n) { uint64_t v = 0; while (n--) v = v << 8 | (r->p < r->end ? *r->p++ : 0); return v; }
static uint64_t get_uint(reader *r) { unsigned h = number(r, 1); return h < 0x80 ? h : h >= 0xcc && h <= 0xcf ? number(r, 1 << (h - 0xcc)) : 0; }
static unsigned get_array(reader *r) { unsigned h = number(r, 1); return (h & 0xf0) == 0x90 ? h & 15 : h == 0xdc ? number(r, 2) : h == 0xdd ? number(r, 4) : 0; }
static const unsigned char *get_bytes(reader *r, size_t *n) {
  unsigned h = number(r, 1);
  *n = (h & 0xe0) == 0xa0 ? h & 31 : h == 0xc4 || h == 0xd9 ? number(r, 1) : h == 0xc5 || h == 0xda ? number(r, 2) : h == 0xc6 ? number(r, 4) : 0;
  if ((size_t)(r->end - r->p) < *n) *n = r->end - r->p;
  const unsigned char *at = r->p; r->p += *n; return at;
}
static void entries(conn *c, reader *r) {
  size_t n; get_bytes(r, &n);
  for (unsigned left = get_array(r); left--;) {
    get_array(r); get_uint(r); get_bytes(r, &n); get_uint(r);
    const unsigned char *payload = get_bytes(r, &n); get_uint(r);
    if (n >= MARK_LEN && payload[0] == MARK) lg_delivered(c, (const char *)payload);
  }
}
static void take(conn *c, const char *body, size_t length) {
  reader r = { (const unsigned char *)body, (const unsigned char *)body + length };
  get_array(&r); size_t n; const char *tag = (const char *)get_bytes(&r, &n);
  if (n == 7 && !memcmp(tag, "entries", 7)) { entries(c, &r); return; }
  if (n == 12 && !memcmp(tag, "append_reply", 12)) { get_uint(&r); lg_acked(c, get_array(&r)); return; }
  if (n == 4 && !memcmp(tag, "done", 4)) { lg_ready(c); return; }
  if (n == 15 && !memcmp(tag, "subscribe_reply", 15)) { lg_joined(c); return; }
  if (n == 11 && !memcmp(tag, "hello_reply", 11)) { get_uint(&r); get_uint(&r); number(&r, 1); log_in(c, get_bytes(&r, &n)); return; }
  if (n == 8 && !memcmp(tag, "catch_up", 8)) { lg_error(c, "told to catch up"); return; }
  char why[128]; get_uint(&r); get_bytes(&r, &n); size_t k; const char *said = (const char *)get_bytes(&r, &k);
  snprintf(why, sizeof why, "refused: %.*s", (int)k, said); lg_error(c, why);
}
static size_t s_feed(conn *c, const char *b, size_t n) {
  size_t at = 0;
  while (n - at >= 4) {
    uint32_t l; memcpy(&l, b + at, 4); l = ntohl(l);
    if (l > 1 << 20) { lg_error(c, "bad frame"); return n; }
    if (n - at < 4 + l) break;
    take(c, b + at + 4, l); at += 4 + l;
    if (c->fd < 0) return n;
  }
  return at;
}
static struct proto sottovoce = { .name = "sottovoce", .tls = 1, .open = s_open, .join = s_join, .publish = s_publish, .feed = s_feed };
PROTO_REGISTER(sottovoce)
