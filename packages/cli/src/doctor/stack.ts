import { readClaim } from '../stack/claim.ts'
import { readNote, supervisorOf, troubleOf } from '../stack/running.ts'
import type { Finding } from './finding.ts'

/** Whether a stack runs from this state folder, and whether all of it does. */
export async function stackFinding(folder: string): Promise<Finding> {
  const finding = (status: Finding['status'], found: string): Finding => ({
    name: 'local stack',
    status,
    found,
  })
  const note = await readNote(folder)
  const claim = await readClaim(folder)
  if (claim !== undefined && (note === undefined || supervisorOf(note).pid !== claim.pid))
    return finding('absent', `still starting (process ${claim.pid})`)
  if (note === undefined) return finding('absent', 'none here: start one with sotto up')
  const trouble = troubleOf(note)
  if (trouble !== undefined) return finding('broken', `${trouble.what}; ${trouble.hint}`)
  return finding('ok', `${note.relay} (software TEE, process ${note.supervisor}, ${folder})`)
}
