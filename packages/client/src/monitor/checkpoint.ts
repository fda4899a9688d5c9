import {
  cosignatureTime,
  parseCheckpoint,
  parseNote,
  isSignedBy,
  parseVerifierKey,
  type Checkpoint,
  type Note,
} from '@sotto/protocol/note'
import { verifyUnder } from '@sotto/verifier/bundle'
import { instant } from './entry-types.ts'
import type { Alert, FollowedLog } from './types.ts'

/** Clocks of honest parties differ by less. */
const CLOCK_SKEW_SECONDS = 300
/** Keys of at least so many organisations ship in a policy (T14). */
const MIN_ORGANISATIONS = 2

/** What is to be said of a served checkpoint. */
export interface JudgedCheckpoint {
  /** Absent where the log's key did not sign it: then it is nobody's word. */
  checkpoint?: Checkpoint
  /** Witness time of the quorum, where there is one. */
  time?: number
  alerts: Alert[]
}

/** Judges a served note by itself: who signed it, and when. */
export function judgeCheckpoint(text: string, log: FollowedLog, now: number): JudgedCheckpoint {
  let note: Note
  let checkpoint: Checkpoint
  try {
    note = parseNote(text)
    checkpoint = parseCheckpoint(note.text)
  } catch (error) {
    return unsigned('the log serves no checkpoint', (error as Error).message)
  }
  if (checkpoint.origin !== log.origin || !isSignedBy(note, parseVerifierKey(log.key)))
    return unsigned('what the log serves is not signed by its key', checkpoint.origin)
  const alerts: Alert[] = []
  const time = quorumTime(text, log)
  if (log.witnesses.keys.length > 0) {
    if (time === undefined)
      alerts.push({
        code: 'WITNESS_QUORUM',
        message: 'too few witnesses cosigned the checkpoint',
        expected: `${log.witnesses.quorum}`,
        found: `${cosigners(note, log).length}`,
      })
    else alerts.push(...judgeAge(time, log, now))
    alerts.push(...judgeIndependence(note, log, now))
  }
  return { checkpoint, ...(time !== undefined && { time }), alerts }

  function unsigned(message: string, found: string): JudgedCheckpoint {
    return {
      alerts: [{ code: 'CHECKPOINT_UNSIGNED', message, expected: `${log.origin}, ${log.key}`, found }],
    }
  }
}

/** When a whole quorum had cosigned; operator-run witnesses count only where the policy says so. */
function quorumTime(text: string, log: FollowedLog): number | undefined {
  try {
    return verifyUnder({ log, witnesses: log.witnesses }, text).time
  } catch {
    return undefined
  }
}

function judgeAge(time: number, { checkpointMaxAgeSeconds: max }: FollowedLog, now: number): Alert[] {
  const age = now - time
  if (age > max)
    return [
      {
        code: 'CHECKPOINT_STALE',
        message: `the newest checkpoint is of ${instant(time)}`,
        expected: `at most ${max} s ago`,
        found: `${age} s`,
      },
    ]
  if (age < -CLOCK_SKEW_SECONDS)
    return [
      {
        code: 'CHECKPOINT_FUTURE',
        message: 'witness time lies in the future; check this clock',
        expected: `at most ${CLOCK_SKEW_SECONDS} s ahead`,
        found: `${-age} s`,
      },
    ]
  return []
}

/** Organisations other than the operator, each counted once however many keys it has (T14). */
function judgeIndependence(note: Note, log: FollowedLog, now: number): Alert[] {
  const { keys, quorum, allowOperatorWitnesses } = log.witnesses
  if (allowOperatorWitnesses) return []
  const named = new Set(keys.filter(({ operator }) => !operator).map(({ organisation }) => organisation))
  const fresh = cosigners(note, log).filter(
    ({ operator, time }) => !operator && now - time <= log.checkpointMaxAgeSeconds,
  )
  const cosigned = new Set(fresh.map(({ organisation }) => organisation))
  if (named.size >= MIN_ORGANISATIONS && cosigned.size >= quorum) return []
  return [
    {
      code: 'WITNESSES_NOT_INDEPENDENT',
      message:
        cosigned.size === 0
          ? 'no independent organisation cosigned'
          : 'too few independent organisations cosigned',
      expected: `${quorum} of at least ${MIN_ORGANISATIONS}`,
      found: `${cosigned.size} of ${named.size}`,
    },
  ]
}

function cosigners(
  note: Note,
  { witnesses }: FollowedLog,
): { organisation: string; operator: boolean; time: number }[] {
  return witnesses.keys.flatMap(({ key, organisation, operator }) => {
    const time = cosignatureTime(note, parseVerifierKey(key))
    return time === undefined ? [] : [{ organisation, operator, time }]
  })
}
