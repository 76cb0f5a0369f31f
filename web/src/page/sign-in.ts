import { initializeApp } from '@firebase/app';
import {
  type Auth,
  browserPopupRedirectResolver,
  GoogleAuthProvider,
  indexedDBLocalPersistence,
  initializeAuth,
  onAuthStateChanged,
  signInWithPopup,
  signOut,
} from '@firebase/auth';
import type { Firebase } from './config';
import { Observable } from './observable';

/** Signing in with Google by Firebase. Whoever imports this module loads all of Firebase's code. */
export class GoogleSignIn {
  /** Name or address of who has signed in, untrusted; null: nobody. */
  readonly person = new Observable<string | null>(null);
  readonly #auth: Auth;

  /** Resolves when it is known whether somebody has signed in. */
  static async open(firebase: Firebase): Promise<GoogleSignIn> {
    const auth = initializeAuth(initializeApp(firebase), {
      persistence: indexedDBLocalPersistence,
      popupRedirectResolver: browserPopupRedirectResolver,
    });
    await auth.authStateReady();
    return new GoogleSignIn(auth);
  }

  private constructor(auth: Auth) {
    this.#auth = auth;
    onAuthStateChanged(auth, (user) => this.person.set(user && (user.displayName ?? user.email ?? user.uid)));
  }

  /** A token that is valid now; '' where nobody has signed in. */
  async token(): Promise<string> {
    return (await this.#auth.currentUser?.getIdToken()) ?? '';
  }

  /** Opens Google's window, so it has to be called by a click. */
  async signIn(): Promise<void> {
    await signInWithPopup(this.#auth, new GoogleAuthProvider());
  }

  async signOut(): Promise<void> {
    await signOut(this.#auth);
  }
}
