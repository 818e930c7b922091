(* OCaml for names: closures, functors, polymorphic variants, exceptions. Prints one number. *)
module Key = struct
  type t = { id : int; text : string }

  let compare a b = match compare a.id b.id with 0 -> compare a.text b.text | n -> n
end

module Tree = Map.Make (Key)

type expr = Num of int | Add of expr * expr | Mul of expr * expr | Neg of expr

let rec build n = if n <= 1 then Num n else Add (Mul (Num n, build (n - 1)), Neg (build (n / 2)))

let rec eval = function
  | Num n -> n
  | Add (a, b) -> eval a + eval b
  | Mul (a, b) -> eval a * eval b land 0xffff
  | Neg a -> -eval a

let collect n =
  let add tree i =
    Tree.update { Key.id = i mod 17; text = string_of_int (i * i) }
      (function None -> Some 1 | Some k -> Some (k + i))
      tree
  in
  List.fold_left add Tree.empty (List.init n (fun i -> i * 7))

let risky n = try int_of_string (if n mod 3 = 0 then "x" else string_of_int n) with Failure _ -> -1

let () =
  let total = ref 0 in
  for i = 1 to 60 do
    total := !total + eval (build (i mod 20)) + Tree.cardinal (collect i) + risky i;
    let b = Buffer.create 16 in
    Tree.iter (fun k v -> Printf.bprintf b "%d:%s=%d " k.Key.id k.Key.text v) (collect i);
    total := !total + Buffer.length b + Hashtbl.hash (Buffer.contents b) mod 7
  done;
  print_int !total;
  print_newline ()
