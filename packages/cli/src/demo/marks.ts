import { utf8 } from '@sotto/protocol/bytes'

/*
 * What gives a message away whatever its words are: where an answer streams one token in a frame, no
 * frame holds enough of the answer to be found by its text. None of these stands in anything a party
 * of the stack may see: outside there are encapsulated messages, proofs and signed statements only.
 */

/** How the bodies of requests begin and what they are made of. */
export const REQUEST_MARKS: readonly Uint8Array[] = [
  '"messages":[{',
  '"role":"user"',
  '"max_tokens":',
  '"max_sentences":',
  '"stream":true',
  'form-data; name="',
].map(utf8)

/** Frames of streamed answers (server-sent events, one token or more in each) and members of whole ones. */
export const ANSWER_MARKS: readonly Uint8Array[] = [
  'data: {"',
  'data: [DONE]',
  'chat.completion',
  'chatcmpl-',
  'text_completion',
  '"delta":{',
  '"choices":[{',
  '"finish_reason":',
  '"type":"summary.',
  '"type":"transcript.',
  '"object":"summary"',
  '"summary":"',
  '"usage":{"',
  '"model":"sotto-',
].map(utf8)

/** Inner routes, header names and values, error codes, and the framing of Binary HTTP (RFC 9292). */
export const INNER_MARKS: readonly Uint8Array[] = [
  '/v1/audio/',
  '/v1/chat/',
  '/v1/completions',
  '/v1/embeddings',
  '/v1/models',
  '/v1/summaries',
  '/sotto/receipt-certificate',
  'inference.sotto',
  'sotto-receipt',
  'multipart/form-data',
  'text/event-stream',
  'invalid_request_error',
  'model_not_found',
  // Control data of a request: each part behind its length.
  '\u0004POST\u0005https',
  '\u0003GET\u0005https',
  // Field lines: the name behind its length. In HTTP/1.1 a name stands behind a line feed, which is the
  // length of no name here.
  '\u000ccontent-type',
  '\u000dauthorization',
  '\u000dcache-control',
].map(utf8)
