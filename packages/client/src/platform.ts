/** True in pages and workers of a browser, where the platform decides about headers and upload streaming. */
export const isBrowser: boolean = 'document' in globalThis || 'WorkerGlobalScope' in globalThis
