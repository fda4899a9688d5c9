import { kindsIn } from '../../demo/judge.ts'
import { runDemo, type DemoReport } from '../../demo/run-demo.ts'
import { formatSeen } from '../../demo/seen-table.ts'
import { defineCommand, EXIT, type Command, type CommandContext } from '../../framework/index.ts'
import { SOFTWARE_BANNER } from '../../service/banner.ts'
import { findLayout } from '../../stack/layout.ts'
import { formatSteps } from '../../terminal/index.ts'

/** `sotto demo` */
export const demo: Command = defineCommand({
  path: ['demo'],
  summary: 'Run the main job end to end and show what each party could see',
  description:
    'Starts log, witness, KMS, enclave and relay on a software TEE in a folder of its own, verifies,\n' +
    'transcribes a recording, summarises a text and streams a chat answer, then shows from raw captures\n' +
    'of the sockets what each party received. Leaves nothing behind.',
  flags: {},
  async run(context) {
    const heading = (text: string): void => {
      if (!context.global.json) context.out(`\n${context.style.out.bold(text)}`)
    }
    const report = await runDemo(
      findLayout(),
      {
        onProgress: (text) => context.note(`${text} ...`),
        onSteps(steps) {
          heading('Verified before anything was sent')
          if (!context.global.json)
            for (const line of formatSteps(steps, context.style.out)) context.out(line)
        },
        onResult(title, text) {
          heading(title === 'transcript' ? 'Transcript of the recording' : 'Summary of the letter')
          if (!context.global.json) context.out(text)
        },
        onToken: streamTo(context, () => heading('Chat answer, as it streamed')),
      },
      context.signal,
      (cleanup) => context.onExit(cleanup),
    )
    context.warn(`warning: ${SOFTWARE_BANNER}`)
    if (context.global.json) context.json(report)
    else printReport(context, report, heading)
    return report.ok ? EXIT.ok : EXIT.failure
  },
})

function streamTo(context: CommandContext, begin: () => void): (text: string) => void {
  const to = context.foreign()
  let hasBegun = false
  return (text) => {
    if (context.global.json) return
    if (!hasBegun) begin()
    hasBegun = true
    void to.write(text)
  }
}

function printReport(context: CommandContext, report: DemoReport, heading: (text: string) => void): void {
  const { transcript, timings, disk } = report
  heading('How good the transcript is')
  context.out(`reference: ${transcript.reference}`)
  context.out(
    `word error rate ${percent(transcript.wer)} (mean of this model on synthetic speech: ${percent(transcript.cardWer)})`,
  )
  heading('What each party received, from raw captures of its sockets')
  for (const line of formatSeen(report.seen)) context.out(line)
  context.out(`disk: ${disk.files} files searched, in clear: ${kindsIn(disk.found).join(', ') || 'nothing'}`)
  context.out('Searched as it is, without chunk framing, and as decoded from base64 and hexadecimal.')
  context.out('The gateway and its engines decrypt in their own memory: that is what was attested.')
  heading('Receipts')
  for (const [index, job] of ['transcript', 'summary', 'chat'].entries())
    if (report.receipts[index])
      context.out(`${context.style.out.green('✓')} ${job}: verified against request, answer and log`)
  context.out('')
  for (const violation of report.violations) context.out(context.style.out.red(`✗ ${violation}`))
  context.out(
    `${report.ok ? context.style.out.green('ok') : context.style.out.red('failed')} in ${(timings.totalMs / 1000).toFixed(1)} s (start ${timings.startMs} ms, verify ${timings.verifyMs} ms, transcribe ${timings.transcribeMs} ms, summarise ${timings.summarizeMs} ms, chat ${timings.chatMs} ms)`,
  )
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}
