import { Refusal, Skip, type Check } from '../checks/index.ts'
import { requireAllowed } from '../dcap/allow-list.ts'
import { compareRegisters, findForgedEvents, parseEventLog, type EventLog } from '../event-log/index.ts'
import { findTdDebug, findTdDefects } from './attributes.ts'
import { tdReportOf } from './body.ts'
import type { TdxFacts } from './facts.ts'
import { tdFields } from './fields.ts'

/** The body, which every check of a TD needs. */
export const BODY_CHECKS: readonly Check<TdxFacts>[] = [
  {
    name: 'tdx.body',
    title: 'The body is one of a TD',
    needs: ['quote'],
    class: 'malformed',
    run({ quote, fields }) {
      if (quote.bodyKind === 'SGX')
        throw new Refusal('the body is of an SGX enclave', 'TD10 or TD15', quote.bodyKind)
      const report = tdReportOf(quote)
      Object.assign(fields, tdFields(report))
      const tdxTcb = {
        teeTcbSvn: report.TEE_TCB_SVN,
        ...(report.TEE_TCB_SVN_2 && { teeTcbSvn2: report.TEE_TCB_SVN_2 }),
        mrsignerseam: report.MRSIGNERSEAM,
        seamattributes: report.SEAMATTRIBUTES,
      }
      return { adds: { report, tdxTcb }, found: quote.bodyKind }
    },
  },
]

/** What the TD is and measured. */
export const TD_CHECKS: readonly Check<TdxFacts>[] = [
  {
    name: 'tdx.debug',
    title: 'The host cannot look into the TD',
    needs: ['report'],
    class: 'debug',
    run({ report, policy: { allowDebug } }) {
      const { debug, tud } = findTdDebug(report)
      if (tud && allowDebug !== true)
        throw new Refusal(
          debug ? 'the TD is in debug mode' : 'the TD is profiled',
          'TUD 0',
          `TUD ${report.TDATTRIBUTES[0]}`,
        )
      return { found: `TUD ${report.TDATTRIBUTES[0]}` }
    },
  },
  {
    name: 'tdx.event-log-structure',
    title: 'The event log can be read',
    needs: [],
    class: 'event-log',
    maySkip: true,
    run({ pieces: { eventLogs } }) {
      const [bytes, ...more] = eventLogs
      if (bytes === undefined) throw new Skip('no event log was given')
      if (more.length > 0) throw new Refusal('there are several event logs', '1', `${eventLogs.length}`)
      const eventLog = parseEventLog(bytes)
      return { adds: { eventLog }, found: `${eventLog.events.length} events` }
    },
  },
  {
    name: 'tdx.event-log',
    title: 'The event log is what the TD measured',
    needs: ['report'],
    class: 'event-log',
    maySkip: true,
    run({ report, eventLog, pieces, policy, fields }: TdxFacts) {
      if (!eventLog) throw missingLog(pieces.eventLogs.length, policy.requireEventLog)
      const matches = compareRegisters(eventLog, report!.RTMR)
      fields['event_log'] = { [COUNT_NAMES[eventLog.format]]: eventLog.events.length, rtmr_match: matches }
      const wrong = Object.entries(matches).filter(([, isSame]) => !isSame)
      if (wrong.length > 0)
        throw new Refusal(
          'the log does not lead to the registers of the quote',
          undefined,
          wrong.map(([name]) => name).join(', '),
        )
    },
  },
  {
    name: 'tdx.event-log-digests',
    title: 'What the log tells about hashed events is what was measured',
    needs: [],
    class: 'event-log',
    maySkip: true,
    run({ eventLog }: TdxFacts) {
      if (!eventLog) throw new Skip('there is no event log')
      const [forged, ...more] = findForgedEvents(eventLog)
      if (forged)
        throw new Refusal(
          'an event tells something else than was measured',
          undefined,
          `${forged.typeName} in register ${forged.index}${more.length > 0 ? ` and ${more.length} more` : ''}`,
        )
    },
  },
  {
    name: 'tdx.measurement',
    title: 'Firmware, system and program are accepted ones',
    needs: ['report'],
    class: 'measurement',
    maySkip: true,
    run: ({ report, policy }) =>
      requireAllowed([
        ['MRTD', policy.mrTd, report.MRTD],
        ['RTMR0', policy.rtmr0, report.RTMR[0]],
        ['RTMR1', policy.rtmr1, report.RTMR[1]],
        ['RTMR2', policy.rtmr2, report.RTMR[2]],
        ['RTMR3', policy.rtmr3, report.RTMR[3]],
        ['MRCONFIGID', policy.mrConfigId, report.MRCONFIGID],
        ['MROWNER', policy.mrOwner, report.MROWNER],
        ['MROWNERCONFIG', policy.mrOwnerConfig, report.MROWNERCONFIG],
        ['MRSEAM', policy.mrSeam, report.MRSEAM],
      ]),
  },
]

/** Attributes that the owner of a TD chose at its launch. */
export const ATTRIBUTE_CHECKS: readonly Check<TdxFacts>[] = [
  {
    name: 'tdx.attributes',
    title: 'The TD was launched with every protection, and no other TD serves it',
    needs: ['report'],
    class: 'guest-policy',
    run({ report, policy }) {
      const defects = findTdDefects(report, policy)
      if (defects.length > 0) throw new Refusal(defects.join('; '))
    },
  },
]

const COUNT_NAMES = { ccel: 'ccel_events', dstack: 'events' } as const satisfies Record<
  EventLog['format'],
  string
>

/** A skip where a log may be left out; a refusal where the policy wants one. A log that is malformed was refused before. */
function missingLog(given: number, isRequired = false): Refusal | Skip {
  return isRequired && given === 0
    ? new Refusal('the policy asks for an event log', undefined, undefined, 'collateral-missing')
    : new Skip('there is no event log')
}
