export { createReceiptCertificates, KEPT_CERTIFICATES, type ReceiptCertificates } from './certificates.ts'
export { certifyReceipts, publishTrust, type PublishedTrust } from './publish.ts'
