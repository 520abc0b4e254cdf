/*
 * The engine as nginx's C has it: a config is read, an engine is started by it in each worker, and
 * asked about requests. No C++ exception comes out of any of these functions. A text is not
 * terminated; it lives as long as what it was got from.
 */
#ifndef SLUICE_GATE_H
#define SLUICE_GATE_H

/* NOLINTBEGIN(modernize-*): it is C */
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct sluice_config sluice_config_t;
typedef struct sluice_engine sluice_engine_t;
typedef struct sluice_ask sluice_ask_t;

typedef struct {
  size_t length;
  const char* data;
} sluice_text_t;

typedef struct {
  sluice_text_t name;
  sluice_text_t value;
} sluice_pair_t;

/* Why something failed; lines, with '\n' between. */
typedef struct {
  char text[16384];
} sluice_reason_t;

/*
 * Reads and checks a config with all that it names, to take the place of `old`, if there is one.
 * NULL: see `why`.
 */
sluice_config_t* sluice_config_read(const char* path, const sluice_config_t* old,
                                    sluice_reason_t* why);
void sluice_config_free(sluice_config_t* config);
/* What may be intended, but is worth a look: lines. */
sluice_text_t sluice_config_warnings(const sluice_config_t* config);
/* Whether a limit or a cost could name such a route. */
int sluice_config_has_route(const sluice_config_t* config, sluice_text_t name);
/* Whether what it costs is said in the body of a request, which nobody sees here. */
int sluice_config_needs_body(const sluice_config_t* config, sluice_text_t route);
/* Whether it may be the name of a fact. */
int sluice_is_fact(sluice_text_t name);

/*
 * Opens the memory that this host's workers share, for the processes that will ask: they may be
 * another user's. To be called before they are forked.
 */
void sluice_config_share(sluice_config_t* config);

/* To be called in the process that asks. NULL: see `why`. `config` stays. */
sluice_engine_t* sluice_engine_start(const sluice_config_t* config, sluice_reason_t* why);
/* REQUIRES: nobody asks, or will. */
void sluice_engine_stop(sluice_engine_t* engine);
/* Milliseconds after which an answer will not come any more. */
unsigned sluice_engine_patience(const sluice_engine_t* engine);

typedef struct {
  sluice_text_t method;
  sluice_text_t path; /* decoded, without the query */
  sluice_text_t address;
  sluice_text_t route; /* empty: by method and path */
  const sluice_pair_t* headers;
  size_t header_count;
  const sluice_pair_t* facts; /* an empty value is none */
  size_t fact_count;
} sluice_request_t;

typedef struct {
  int allowed;
  int status;                 /* where it is not allowed */
  sluice_text_t content_type; /* of body */
  sluice_text_t body;
  sluice_text_t fields;  /* "Name: value\r\n" for each that the client is to see */
  sluice_text_t outcome; /* allowed, denied, refused, failed, unfinished */
  sluice_text_t route;
  sluice_text_t tenant;
  sluice_text_t handed_over; /* for a worker behind nginx, on a route of Sluice's own */
} sluice_answer_t;

/*
 * Asks whether a request may pass. What `request` points to lives until there is an answer, but
 * for the arrays and names of headers and facts, which may go at once. NULL: out of memory.
 * `on_answer` is called from the loop, once, and never from within this function, where the answer
 * may be there at once. It must not end the ask.
 */
sluice_ask_t* sluice_ask_begin(sluice_engine_t* engine, const sluice_request_t* request,
                               void (*on_answer)(void* data), void* data);
/* Whether there is an answer; then `answer` is set. */
int sluice_ask_answer(const sluice_ask_t* ask, sluice_answer_t* answer);
/* At any time: where no answer has come, none will. What was charged stays charged. */
void sluice_ask_end(sluice_ask_t* ask);

#ifdef __cplusplus
}
#endif
/* NOLINTEND(modernize-*) */

#endif
