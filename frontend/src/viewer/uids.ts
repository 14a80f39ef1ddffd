/** Tracking identifiers: DICOM UIDs made from UUIDs (PS3.5 B.2), and back, so that both name one mark. */

const ROOT = '2.25.';

export function uidFromUuid(uuid: string): string {
  return ROOT + BigInt(`0x${uuid.replaceAll('-', '')}`).toString(10);
}

/** Null for identifiers that were not made from a UUID. */
export function uuidFromUid(uid: string): string | null {
  const digits = uid.startsWith(ROOT) ? uid.slice(ROOT.length) : '';
  if (!/^\d{1,39}$/.test(digits)) return null;
  const hex = BigInt(digits).toString(16).padStart(32, '0');
  if (hex.length > 32) return null;
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
