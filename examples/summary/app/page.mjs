const [form, text, model, go, summary, figures] = ['form', 'text', 'model', 'go', 'summary', 'figures'].map(
  (id) => document.getElementById(id),
)
const words = (value) => value.trim().split(/\s+/).filter(Boolean).length

const { models } = await (await fetch('/models')).json()
model.append(...models.map((name) => new Option(name)))

form.addEventListener('submit', async (event) => {
  event.preventDefault()
  go.disabled = true
  summary.textContent = 'The enclave reads it …'
  figures.textContent = ''
  try {
    const response = await fetch('/summarise', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ text: text.value, model: model.value }),
    })
    const answer = await response.json()
    summary.textContent = response.ok ? answer.summary : `Not summarised: ${answer.error}.`
    if (response.ok)
      figures.textContent = `${words(text.value)} words became ${words(answer.summary)}, in ${answer.seconds.toFixed(1)} s.`
  } catch {
    summary.textContent = 'No answer came. Nothing of your text was sent in clear; try again.'
  } finally {
    go.disabled = false
  }
})
