import type { PassedAnswer } from '../passing/upstream.ts'

/** JSON as whoever was asked wrote it; whoever asked decodes it. */
export function jsonAnswer({ bytes, offset }: PassedAnswer): Response {
  return new Response(bytes as Uint8Array<ArrayBuffer>, {
    headers: {
      'content-type': 'application/json',
      'cache-control': 'no-store',
      ...(offset !== undefined && { 'upload-offset': offset }),
    },
  })
}

/** A part of a file. */
export function fileAnswer({ bytes, range }: PassedAnswer): Response {
  return new Response(bytes as Uint8Array<ArrayBuffer>, {
    status: range === undefined ? 200 : 206,
    headers: {
      'content-type': 'application/octet-stream',
      'cache-control': 'no-store',
      ...(range !== undefined && { 'content-range': range }),
    },
  })
}
