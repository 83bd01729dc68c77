export function App() {
  return (
    <main>
      <h1>To-do list</h1>
      <p>What is to be done will stand here.</p>
    </main>
  );
}
