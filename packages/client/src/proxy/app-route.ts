import { APP_ORIGIN } from '../transport/inner-request.ts'
import { type Sender, sendInner } from './send-inner.ts'

/**
 * Has the app of the service answer: its pages, what they load and what they send. Redirections inside it are told as a
 * browser reaches them.
 * @throws what `fetch` of a connection throws
 */
export async function askApp(sotto: Sender, request: Request): Promise<Response> {
  const { pathname, search } = new URL(request.url)
  // Inside there is no HEAD: it is a GET whose body nobody reads.
  const isHead = request.method === 'HEAD'
  const response = await sendInner(sotto, request, {
    origin: APP_ORIGIN,
    path: pathname + search,
    method: isHead ? 'GET' : request.method,
    body: request.body,
  })
  const location = response.headers.get('location')
  if (location !== null) response.headers.set('location', relativeLocation(location))
  if (!isHead) return response
  await response.body?.cancel()
  return new Response(null, { status: response.status, headers: response.headers })
}

/** An address inside the app without its authority, which exists inside the encryption only; others as they are. */
function relativeLocation(location: string): string {
  const url = URL.parse(location)
  return url?.origin === APP_ORIGIN ? url.pathname + url.search + url.hash : location
}
