import { describe, expect, it } from 'vitest'
import { judge } from '../../src/demo/judge.ts'
import { createSearch, nothingFound } from '../../src/demo/search.ts'
import { formatSeen } from '../../src/demo/seen-table.ts'
import { nameProcesses, whatWasSeen, type Seen, type Tapped } from '../../src/demo/seen.ts'
import type { TappedParty } from '../../src/stack/types.ts'
import type { Capture } from '../../src/stack/tap.ts'
import { claim } from '../../../../test/claims.ts'
import { LEAKS, noise, SECRETS } from './leaks.ts'

const PIDS = { witness: 11, log: 12, kms: 13, inference: 14, relay: 15 }
const nameOf = nameProcesses(
  Object.entries(PIDS).map(([name, pid]) => ({ name, pid })) as unknown as Parameters<
    typeof nameProcesses
  >[0],
)
const search = createSearch(SECRETS)

/** Who connects to whom in an honest stack: acceptor, opener's process. */
const CONNECTIONS: [TappedParty, number][] = [
  ['witness', PIDS.log],
  ['log', process.pid],
  ['log', PIDS.kms],
  ['log', PIDS.inference],
  ['log', PIDS.relay],
  ['kms', process.pid],
  ['kms', PIDS.inference],
  ['gateway', PIDS.relay],
  ['relay', process.pid],
]
const PARTIES = ['witness', 'log', 'kms', 'gateway', 'relay'] as const

type Direction = 'received' | 'sent'
/** Captures of a stack where 100 bytes go one way on each connection and 10 the other, plus what is leaked. */
function tapsWith(
  leak?: { acceptor: string; opener: number; direction: Direction; chunks: Buffer[] },
  isComplete = true,
): Record<TappedParty, Tapped> {
  const taps = Object.fromEntries(PARTIES.map((party) => [party, { captures: [] as Capture[], isComplete }]))
  for (const [acceptor, opener] of CONNECTIONS) {
    const capture: Capture = {
      peerPid: opener,
      received: [Buffer.from(noise(100, opener))],
      sent: [Buffer.from(noise(10, opener))],
    }
    if (leak?.acceptor === acceptor && leak.opener === opener) capture[leak.direction].push(...leak.chunks)
    taps[acceptor]!.captures.push(capture)
  }
  return taps as unknown as Record<TappedParty, Tapped>
}

const see = (taps: Record<TappedParty, Tapped>): Record<string, Seen> => whatWasSeen(taps, search, nameOf)
const row = (seen: Record<string, Seen>, party: string): string =>
  formatSeen(seen).find((line) => line.startsWith(party))!
const judgeAll = (seen: Record<string, Seen>): string[] =>
  judge({ seen, disk: { found: nothingFound() }, sentBytes: 100 })

describe('what each party was seen to get', () => {
  it('counts both directions of a connection at both of its ends', () => {
    const seen = see(tapsWith())
    expect(Object.keys(seen)).toEqual([...PARTIES])
    expect(seen['gateway']).toEqual({
      connections: 1,
      opened: 2,
      // The relay's request, and the answers of log and KMS.
      receivedBytes: 100 + 10 + 10,
      sentBytes: 10 + 100 + 100,
      from: ['relay'],
      to: ['kms', 'log'],
      found: nothingFound(),
      complete: true,
    })
    expect(seen['witness']).toMatchObject({ connections: 1, opened: 0, from: ['log'], to: [] })
    expect(seen['log']).toMatchObject({ from: ['gateway', 'kms', 'owner', 'relay'], to: ['witness'] })
    expect(seen['relay']).toMatchObject({ from: ['client'], to: ['gateway', 'log'], receivedBytes: 120 })
    expect(judgeAll(seen)).toEqual([])
  })

  const ENDS = CONNECTIONS.flatMap(([acceptor, opener]) => {
    const parties = [acceptor, nameOf(opener, acceptor)].filter((name) =>
      (PARTIES as readonly string[]).includes(name),
    )
    return (['received', 'sent'] as const).map(
      (direction) => [acceptor, nameOf(opener, acceptor), direction, opener, parties] as const,
    )
  })

  describe.each(ENDS)(
    'on the connection of %s with %s, in what was %s',
    (acceptor, _name, direction, opener, parties) => {
      it.each(LEAKS)(
        claim(
          ['see.relay', 'see.gateway', 'see.kms', 'see.stores'],
          'shows %s at both ends, whole or split across reads',
        ),
        (_what, kind, bytes) => {
          const whole = Buffer.from(bytes)
          const bits = Array.from({ length: Math.ceil(whole.length / 3) }, (_, i) =>
            whole.subarray(i * 3, i * 3 + 3),
          )
          for (const chunks of [[whole], bits]) {
            const seen = see(tapsWith({ acceptor, opener, direction, chunks }))
            for (const party of PARTIES) {
              const isEnd = parties.includes(party)
              expect(seen[party]!.found[kind], party).toBe(isEnd)
              expect(row(seen, party).includes('YES'), party).toBe(isEnd)
              expect(judgeAll(seen).includes(`${kind} in clear on the sockets of ${party}`), party).toBe(
                isEnd,
              )
            }
          }
        },
      )
    },
  )

  it('names who is neither a role nor this process', () => {
    expect(nameOf(undefined, 'log')).toBe('a process that was gone')
    expect(nameOf(99, 'log')).toBe('process 99')
    expect([nameOf(process.pid, 'relay'), nameOf(process.pid, 'kms')]).toEqual(['client', 'owner'])
  })
})

describe('the judgement', () => {
  it('does not take captures for proof that missed what was sent', () => {
    const seen = see(tapsWith())
    const violations = judge({ seen, disk: { found: nothingFound() }, sentBytes: 10_000 })
    expect(violations).toEqual([
      'the captures of gateway are not complete',
      'the captures of relay are not complete',
    ])
    expect(judgeAll(see(tapsWith(undefined, false)))).toHaveLength(PARTIES.length)
  })

  it('finds a gateway that somebody but the relay reached', () => {
    const taps = tapsWith()
    ;(taps.gateway.captures as Capture[]).push({ peerPid: process.pid, received: [], sent: [] })
    expect(judgeAll(see(taps))).toEqual(['the gateway was reached by owner, relay'])
  })

  it('finds what lies on the disks', () => {
    const found = { ...nothingFound(), weights: true }
    expect(judge({ seen: {}, disk: { found }, sentBytes: 0 })).toEqual([
      'weights in clear in a file of the stack',
    ])
  })
})

describe('the table', () => {
  it('has a row for every party and says who connected to whom', () => {
    expect(formatSeen(see(tapsWith()))).toEqual([
      'party        received        sent  request  answer  inner path  client headers  weights   connected from              connects to',
      'witness         100 B        10 B  no       no      no          no              no        log                         -',
      'log             410 B       140 B  no       no      no          no              no        gateway, kms, owner, relay  witness',
      'kms             210 B       120 B  no       no      no          no              no        gateway, owner              log',
      'gateway         120 B       210 B  no       no      no          no              no        relay                       kms, log',
      'relay           120 B       210 B  no       no      no          no              no        client                      gateway, log',
    ])
  })
})
