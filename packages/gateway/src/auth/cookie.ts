/** `__Host-`: Secure, Path=/, no Domain (RFC 6265bis section 4.1.3.2). Lax, so that links from mail and chat arrive signed in. */
export const COOKIE_NAME = '__Host-enchilada';

/** The value, if exactly one well-formed cookie of the name came. Two of them mean that somebody planted one. */
export function readCookie(header: string | undefined): string | undefined {
  if (header === undefined || header.length > 16_384) return undefined;
  const found = header.split(';').flatMap((part) => {
    const at = part.indexOf('=');
    return at > 0 && part.slice(0, at).trim() === COOKIE_NAME ? [part.slice(at + 1).trim()] : [];
  });
  const [value] = found;
  return found.length === 1 && value !== undefined && /^[A-Za-z0-9_-]{43}$/u.test(value) ? value : undefined;
}

export function writeCookie(value: string): string {
  return `${COOKIE_NAME}=${value}; Path=/; Secure; HttpOnly; SameSite=Lax`;
}

export function eraseCookie(): string {
  return `${COOKIE_NAME}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0`;
}
