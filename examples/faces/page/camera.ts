/** A camera that is on. */
export interface Camera {
  /** The middle of what it shows now, as pixels, red first, 3 bytes each. */
  grab(): Uint8Array
  /** Resolves when it was unplugged or taken away. */
  readonly ended: Promise<void>
  stop(): void
}

/** Why there is no camera, in words for the person in front of it. */
export class NoCamera extends Error {}

const REASONS: Readonly<Record<string, string>> = {
  NotAllowedError:
    'The browser was told not to let this page see. Allow the camera for this page, and try again.',
  NotFoundError: 'This device has no camera that the browser can see. Connect one, and try again.',
  NotReadableError: 'Another program holds the camera. Close it, and try again.',
}

/** Opens a camera and shows it in `video`. @throws NoCamera */
export async function openCamera(
  video: HTMLVideoElement,
  { width, height }: { width: number; height: number },
): Promise<Camera> {
  let stream: MediaStream
  try {
    stream = await navigator.mediaDevices.getUserMedia({
      video: { width: { ideal: 640 }, height: { ideal: 480 }, facingMode: 'user' },
    })
  } catch (cause) {
    const { name, message } = cause as DOMException
    throw new NoCamera(REASONS[name] ?? `The camera does not start: ${message}`, { cause })
  }
  video.srcObject = stream
  await video.play().catch((cause: unknown) => {
    // Nobody else holds the stream: the camera would stay on, with nothing to end it.
    for (const one of stream.getTracks()) one.stop()
    video.srcObject = null
    throw new NoCamera('The camera does not start: its picture cannot be shown.', { cause })
  })
  const canvas = new OffscreenCanvas(width, height)
  const context = canvas.getContext('2d', { willReadFrequently: true })!
  context.imageSmoothingQuality = 'high'
  const [track] = stream.getVideoTracks()
  return {
    grab() {
      // The same part that the page shows (object-fit: cover), so that boxes fall where the faces are seen.
      const scale = Math.min(video.videoWidth / width, video.videoHeight / height)
      const [wide, tall] = [width * scale, height * scale]
      const [left, top] = [(video.videoWidth - wide) / 2, (video.videoHeight - tall) / 2]
      context.drawImage(video, left, top, wide, tall, 0, 0, width, height)
      const { data } = context.getImageData(0, 0, width, height)
      const rgb = new Uint8Array(width * height * 3)
      for (let from = 0, to = 0; from < data.length; from += 4) {
        rgb[to++] = data[from]!
        rgb[to++] = data[from + 1]!
        rgb[to++] = data[from + 2]!
      }
      return rgb
    },
    ended: new Promise((resolve) => track!.addEventListener('ended', () => resolve())),
    stop() {
      for (const one of stream.getTracks()) one.stop()
      video.srcObject = null
    },
  }
}
