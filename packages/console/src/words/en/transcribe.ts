/** The page transcribe. */
export const transcribe = {
  title: 'Transcribe',
  lead: '',
}
