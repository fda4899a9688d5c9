import { parseQuote, type Quote } from '../dcap/quote.ts'

/** Body of a TD quote: "Intel TDX DCAP Quoting Library API", appendix A.3.2, with the names of the TDX module specification. */
export interface TdReport {
  /** Of the TDX module and its loader when the TD was launched, 16 components. */
  TEE_TCB_SVN: Uint8Array
  MRSEAM: Uint8Array
  MRSIGNERSEAM: Uint8Array
  SEAMATTRIBUTES: Uint8Array
  /** See `findTdDefects`. Little-endian, as the next. */
  TDATTRIBUTES: Uint8Array
  XFAM: Uint8Array
  /** Of the initial memory of the TD: its virtual firmware. */
  MRTD: Uint8Array
  /** What the host said at launch; nobody but the host decides them, and they are measured. */
  MRCONFIGID: Uint8Array
  MROWNER: Uint8Array
  MROWNERCONFIG: Uint8Array
  /** What the TD measured since: firmware and configuration, boot loader, kernel, application. */
  RTMR: readonly [Uint8Array, Uint8Array, Uint8Array, Uint8Array]
  REPORTDATA: Uint8Array
  /** TDX 1.5: of the module that runs now. */
  TEE_TCB_SVN_2?: Uint8Array
  /** TDX 1.5: hash of service TDs bound to this one, which can migrate it; zero for none. */
  MRSERVICETD?: Uint8Array
}

/** Structure of a quote of TDX 1.0 or 1.5. @throws `EVIDENCE_MALFORMED` (fix-input) */
export function parseTdQuote(bytes: Uint8Array): { quote: Quote; report: TdReport } {
  const quote = parseQuote(bytes)
  return { quote, report: tdReportOf(quote) }
}

/** The body of a TD quote. The quote must be one: `bodyKind` says so. */
export function tdReportOf({ bodyKind, body, reportData }: Quote): TdReport {
  const field = (start: number, length: number): Uint8Array => body.subarray(start, start + length)
  return {
    TEE_TCB_SVN: field(0, 16),
    MRSEAM: field(16, 48),
    MRSIGNERSEAM: field(64, 48),
    SEAMATTRIBUTES: field(112, 8),
    TDATTRIBUTES: field(120, 8),
    XFAM: field(128, 8),
    MRTD: field(136, 48),
    MRCONFIGID: field(184, 48),
    MROWNER: field(232, 48),
    MROWNERCONFIG: field(280, 48),
    RTMR: [field(328, 48), field(376, 48), field(424, 48), field(472, 48)],
    REPORTDATA: reportData,
    ...(bodyKind === 'TD15' && { TEE_TCB_SVN_2: field(584, 16), MRSERVICETD: field(600, 48) }),
  }
}
