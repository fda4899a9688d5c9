/** The page of the chain of trust. */
export const trust = {
  title: 'Trust',
  lead: {
    verifying: 'The chain is being checked in this browser, step by step.',
    verified: (passed: number, milliseconds: number) =>
      `${passed} steps passed in this browser, in ${Math.round(milliseconds)} ms. Only then is anything sent.`,
    refused: 'The check did not pass. Nothing is sent to this service.',
    unreachable: 'Nothing could be decided, so nothing is sent.',
  },
  chain: 'The chain of trust',
  stations: {
    hardware: { title: 'Hardware', question: 'Does a processor vouch for where it runs?' },
    measurement: { title: 'Measurement', question: 'Is exactly the published program running there?' },
    release: { title: 'Release', question: 'Was the program published for everybody to inspect?' },
    log: { title: 'Log and witnesses', question: 'Does everybody see the same history?' },
    key: { title: 'Key', question: 'Can only that program open what is encrypted?' },
    session: { title: 'This session', question: 'What about this browser and its requests?' },
  },
  software: 'A program stands for the processor: whoever owns the machine can read everything.',
  counts: (passed: number, skipped: number, failed: number) =>
    [
      ...(passed > 0 ? [`${passed} passed`] : []),
      ...(skipped > 0 ? [`${skipped} skipped`] : []),
      ...(failed > 0 ? [`${failed} failed`] : []),
    ].join(', '),
  status: { pass: 'Passed', fail: 'Failed', skipped: 'Skipped' },
  optional: 'not required by your policy',
  nothing: 'Not checked yet.',
  until: (time: string) => `In force until ${time}, then checked again.`,
  parties: 'Whom this rests on',
  evidence: 'Evidence',
  evidenceNote:
    'The trust bundle that was checked, as the relay served it, with hardware reports, certificates and proofs. Verify it with sotto verify FILE.',
  show: 'Show',
  exportVerdict: 'Export verdict',
  exportBundle: 'Export evidence',
  again: 'Check again',
  policy: 'Policy',
  policyNote:
    'The rules this verdict was made by. Get them from somebody you trust, never from the operator.',
  relay: 'Relay',
  gateway: 'Gateway',
}
