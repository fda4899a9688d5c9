/** The page summarise. */
export const summarise = {
  title: 'Summarise',
  lead: '',
}
