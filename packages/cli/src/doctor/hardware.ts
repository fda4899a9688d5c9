import { detectHardware, type HardwareFiles, type HardwareFinding } from '@sotto/protocol/evidence-hardware'
import type { Finding } from './finding.ts'

/**
 * What this machine can attest: a summary, then one finding for each source of evidence. None is
 * `broken`: a computer without such hardware is a good client, and what is blocked is blocked for
 * enclaves only.
 */
export async function hardwareFindings(files: HardwareFiles): Promise<Finding[]> {
  const found = await detectHardware(files)
  return [summaryOf(found), ...found.map(findingOf)]
}

function summaryOf(found: readonly HardwareFinding[]): Finding {
  // A GPU protects nothing on a machine that is not confidential itself.
  const machines = found.filter(({ source }) => source !== 'nvidia')
  const sources = (status: HardwareFinding['status']): string =>
    machines
      .filter((finding) => finding.status === status)
      .map(({ source }) => source)
      .join(', ')
  const name = 'confidential hardware'
  const ready = sources('ready')
  if (ready !== '') return { name, status: 'ok', found: `evidence from ${ready}` }
  const blocked = sources('blocked')
  if (blocked !== '') return { name, status: 'absent', found: `blocked: ${blocked}; what to do is below` }
  return {
    name,
    status: 'absent',
    found: 'none: sotto up uses the software TEE, which protects from nobody who owns this machine',
  }
}

function findingOf(evidence: HardwareFinding): Finding {
  return {
    name: evidence.source,
    status: evidence.status === 'ready' ? 'ok' : 'absent',
    found: sentenceOf(evidence),
    evidence,
  }
}

function sentenceOf({ title, status, why, fix }: HardwareFinding): string {
  if (status === 'absent') return `no ${title}: ${why}`
  if (status === 'ready') return `${title}: ${why}`
  return `${title}, blocked: ${why}${fix === undefined ? '' : `; fix: ${fix}`}`
}
