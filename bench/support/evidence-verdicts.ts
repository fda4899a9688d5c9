import { basename } from 'node:path'
import type { EvidenceVerdict, Family } from '@sotto/verifier/family'
import type { Peer, PeerName } from './evidence-peers.ts'
import { verifyAgain } from './evidence-runs.ts'
import { readVector, vectorFolders } from './evidence-vectors.ts'

/**
 * Where a peer says something else than we do, and why that is right. The rest of what both can read must come out
 * the same, and so must these: an entry that is no longer true fails as well.
 */
const DIFFERENCES: readonly { peer: PeerName; vector: RegExp; accepts: boolean; why: string }[] = [
  {
    peer: 'js',
    vector: /__crl-garbage$/,
    accepts: true,
    why: 'it does not look into CRLs that it cannot read',
  },
  {
    peer: 'go',
    vector: /^tdx-v4-uptodate$/,
    accepts: false,
    why: 'it compares the FMSPC of certificate and document in different cases',
  },
  { peer: 'go', vector: /^turin-/, accepts: false, why: 'it does not know the extensions of Turin' },
  { peer: 'go', vector: /^genoa-siena-/, accepts: false, why: 'it does not know the product' },
  { peer: 'go', vector: /-vlek-/, accepts: false, why: 'the bench gives it VCEK certificates only' },
]

/** Families that any peer does. */
const FAMILIES: readonly Family[] = ['sev-snp', 'tdx', 'sgx']

/** How the verdicts of peers compare with ours. */
export interface Comparison {
  compared: number
  /** One line for each verdict that is not as it must be. */
  failures: string[]
}

/** Gives every vector that a peer can read to it and to us. Nothing is timed. */
export function compareVerdicts(peers: readonly Peer[]): Comparison {
  const failures: string[] = []
  let compared = 0
  for (const peer of peers)
    for (const family of FAMILIES) {
      const files = peer.files(family)
      for (const folder of files ? vectorFolders(family, files) : []) {
        const vector = readVector(folder)
        if (vector === undefined) continue
        const name = basename(folder)
        const ours = isGenuine(family, verifyAgain(vector))
        const theirs = peer.accepts(family, folder, vector.at)
        const known = DIFFERENCES.find((one) => one.peer === peer.id && one.vector.test(name))
        compared++
        if (theirs !== (known?.accepts ?? ours))
          failures.push(
            `${name}: we ${say(ours)}, ${peer.name} ${say(theirs)}${known ? `, not as before (${known.why})` : ''}`,
          )
      }
    }
  return { compared, failures }
}

/** What peers decide: authentic, and on a platform of a known level. Whether that is good enough is left to policy. */
function isGenuine(family: Family, { authentic, steps }: EvidenceVerdict): boolean {
  const level = steps.find(({ name }) => name === `${family}.tcb`)
  return authentic && (family === 'sev-snp' || level?.status === 'pass')
}

function say(accepts: boolean): string {
  return accepts ? 'accept' : 'refuse'
}
