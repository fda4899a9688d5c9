import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What a vendor answers. */
export interface VendorAnswer {
  status?: number
  headers?: Readonly<Record<string, string>>
  /** Made anew for each request where it depends on it. */
  body: Uint8Array | ((request: Uint8Array) => Uint8Array)
}

/** What goes wrong with an answer. */
export type VendorFault =
  | { kind: 'status'; status: number; retryAfter?: string }
  /** The connection ends after so many bytes of a longer body. */
  | { kind: 'truncated'; after: number }
  | { kind: 'content-type'; type: string }
  /** More bytes than anything has, without a length beforehand. */
  | { kind: 'huge'; bytes: number }
  /** So many bytes and then nothing, the connection open. */
  | { kind: 'slow'; after: number }
  | { kind: 'redirect'; to: string }
  | { kind: 'body'; bytes: Uint8Array }
  | { kind: 'header'; name: string; value: string | null }
  /** The connection ends before anything is sent. */
  | { kind: 'closed' }

/** Services of vendors on this machine. */
export interface VendorServer {
  url: string
  /** Addresses to give in the place of the vendors', by service. */
  mirrors: Record<string, string>
  /** `GET service/path`, in order. */
  asked: string[]
  /** Request headers, in the same order. */
  headers: IncomingMessage['headers'][]
  /** Answers by `service/path`, with the query; may be changed at any time. */
  answers: Map<string, VendorAnswer>
  /** Lets requests whose `service/path` contains `part` fail, the next `times` of them. */
  fail(part: string, fault: VendorFault, times?: number): void
  close(): void
}

/** Names of the services, as the client calls its endpoints. */
const SERVICES = [
  'amdKds',
  'intelPcs',
  'intelCertificates',
  'azureThim',
  'azureMetadata',
  'nvidiaOcsp',
  'nvidiaRim',
  'nvidiaNras',
] as const

interface PendingFault {
  part: string
  fault: VendorFault
  times: number
}

/** Starts one that has these answers, and status 404 for everything else. */
export async function startVendorServer(
  answers: Iterable<readonly [string, VendorAnswer]>,
): Promise<VendorServer> {
  const known = new Map(answers)
  const faults: PendingFault[] = []
  const asked: string[] = []
  const headers: VendorServer['headers'] = []
  const server = createServer((request, response) => {
    const path = request.url!.slice(1)
    asked.push(`${request.method} ${path}`)
    headers.push(request.headers)
    const index = faults.findIndex(({ part, times }) => times > 0 && path.includes(part))
    const fault = index < 0 ? undefined : faults[index]!
    if (fault !== undefined) fault.times--
    void bodyOf(request).then((body) => send(response, known.get(path), body, fault?.fault))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url,
    mirrors: Object.fromEntries(SERVICES.map((service) => [service, `${url}/${service}`])),
    asked,
    headers,
    answers: known,
    fail: (part, fault, times = Number.POSITIVE_INFINITY) => void faults.unshift({ part, fault, times }),
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}

function send(
  response: ServerResponse,
  answer: VendorAnswer | undefined,
  request: Uint8Array,
  fault: VendorFault | undefined,
): void {
  if (fault?.kind === 'closed') return void response.destroy()
  if (fault?.kind === 'status') {
    const { status, retryAfter } = fault
    return void response
      .writeHead(status, retryAfter === undefined ? {} : { 'retry-after': retryAfter })
      .end()
  }
  if (fault?.kind === 'redirect') return void response.writeHead(302, { location: fault.to }).end()
  if (answer === undefined) return void response.writeHead(404).end('no such thing')
  const headers: Record<string, string> = { ...answer.headers }
  if (fault?.kind === 'content-type') headers['content-type'] = fault.type
  if (fault?.kind === 'header') {
    delete headers[fault.name.toLowerCase()]
    if (fault.value !== null) headers[fault.name.toLowerCase()] = fault.value
  }
  const own = typeof answer.body === 'function' ? answer.body(request) : answer.body
  const body = fault?.kind === 'body' ? fault.bytes : own
  const { status = 200 } = answer
  if (fault?.kind === 'huge') {
    response.writeHead(status, headers)
    // In parts, so that a reader that has enough can leave.
    for (let sent = 0; sent < fault.bytes; sent += 65_536) response.write(new Uint8Array(65_536).fill(0x30))
    return void response.end()
  }
  response.writeHead(status, { ...headers, 'content-length': `${body.length}` })
  if (fault?.kind === 'truncated')
    return void response.write(body.subarray(0, fault.after), () => response.destroy())
  if (fault?.kind === 'slow') return void response.write(body.subarray(0, fault.after))
  response.end(body)
}

async function bodyOf(request: IncomingMessage): Promise<Uint8Array> {
  const parts: Buffer[] = []
  for await (const part of request as AsyncIterable<Buffer>) parts.push(part)
  return new Uint8Array(Buffer.concat(parts))
}
