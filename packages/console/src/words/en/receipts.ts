/** The page of receipts. */
export const receipts = {
  title: 'Receipts',
  lead: (most: number) =>
    `Every answer carries a receipt of the enclave that gave it. The latest ${most} are kept in this browser, and nowhere else.`,
  empty: 'No receipts yet. They come with the first answer.',
  count: (count: number) => (count === 1 ? '1 receipt' : `${count} receipts`),
  verify: 'Verify',
  verifyFile: 'Verify a file',
  noPolicy: 'The policy of this page could not be read, and without one no receipt can be verified.',
  choose: 'A receipt that somebody gave you',
  share: 'Share',
  holds: 'The receipt holds',
  fails: 'The receipt does not hold',
  notReceipt: 'This file is no receipt.',
  tooLong: 'This file is too long for a receipt.',
  about: {
    model: 'Model',
    after: 'After checkpoint',
    request: 'Request digest',
    response: 'Answer digest',
    policy: 'Key policy',
  },
  note: 'A receipt proves which program and model answered, after which moment, and that not a byte was changed. It holds no content: digests are salted.',
}
