/** Labelmaps on their way to and from storage: gzip and SHA-256, in the browser's own code. */

import type { Mark } from './types';

/** All that is painted in one series, as the one mark that drafts and submissions hold. */
export function labelmapMark(uid: string, series: number, mask: string | null): Mark {
  return {
    tracking_uid: uid,
    kind: 'labelmap',
    label_class: '',
    sop_instance_uid: '',
    frame: null,
    points_px: [],
    mask,
    series,
    text: '',
  };
}

async function through(
  bytes: Uint8Array,
  stream: ReadableWritablePair<Uint8Array, BufferSource>,
): Promise<Uint8Array> {
  const source = new Blob([bytes as BlobPart]).stream().pipeThrough(stream);
  return new Uint8Array(await new Response(source).arrayBuffer());
}

export function compress(bytes: Uint8Array): Promise<Uint8Array> {
  return through(bytes, new CompressionStream('gzip') as ReadableWritablePair<Uint8Array, BufferSource>);
}

/** Refuses to unpack more than expected, whatever the sender claims. */
export async function decompress(gzip: Uint8Array, size: number): Promise<Uint8Array> {
  const stream = new Blob([gzip as BlobPart]).stream().pipeThrough(new DecompressionStream('gzip'));
  const reader = stream.getReader();
  const bytes = new Uint8Array(size);
  let filled = 0;
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    if (filled + part.value.length > size) {
      await reader.cancel();
      throw new RangeError(`The stored mask holds more than the ${size} bytes of this series.`);
    }
    bytes.set(part.value, filled);
    filled += part.value.length;
  }
  if (filled !== size)
    throw new RangeError(`The stored mask holds ${filled} bytes; this series has ${size}.`);
  return bytes;
}

export async function sha256(bytes: Uint8Array): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as BufferSource));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
