/** The page models. */
export const models = {
  title: 'Models',
  lead: '',
}
