/** Media types of RFC 9458 Section 9 and draft-ietf-ohai-chunked-ohttp-08 Section 7. */
export const OHTTP_MEDIA_TYPE = {
  keys: 'application/ohttp-keys',
  request: 'message/ohttp-req',
  response: 'message/ohttp-res',
  chunkedRequest: 'message/ohttp-chunked-req',
  chunkedResponse: 'message/ohttp-chunked-res',
} as const
