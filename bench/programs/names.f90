! Fortran for names: modules, contained procedures, type-bound procedures, generics, inlining.
module matrices
   implicit none
   type :: matrix
      integer :: n
      real(8), allocatable :: a(:, :)
   contains
      procedure :: fill => matrix_fill
      procedure :: trace => matrix_trace
   end type matrix
   interface norm
      module procedure norm_vector, norm_matrix
   end interface norm
contains
   subroutine matrix_fill(self, n, seed)
      class(matrix), intent(inout) :: self
      integer, intent(in) :: n, seed
      integer :: i, j
      self%n = n
      if (allocated(self%a)) deallocate (self%a)
      allocate (self%a(n, n))
      do j = 1, n
         do i = 1, n
            self%a(i, j) = element(i, j)
         end do
      end do
   contains
      real(8) function element(i, j)
         integer, intent(in) :: i, j
         element = mod(i*7919 + j*104729 + seed, 1009)/1009.0d0
         if (i == j) element = element + n
      end function element
   end subroutine matrix_fill

   real(8) function matrix_trace(self)
      class(matrix), intent(in) :: self
      integer :: i
      matrix_trace = 0
      do i = 1, self%n
         matrix_trace = matrix_trace + self%a(i, i)
      end do
   end function matrix_trace

   pure real(8) function norm_vector(x)
      real(8), intent(in) :: x(:)
      norm_vector = sqrt(sum(x*x))
   end function norm_vector

   pure real(8) function norm_matrix(x)
      real(8), intent(in) :: x(:, :)
      norm_matrix = sqrt(sum(x*x))
   end function norm_matrix

   recursive subroutine sort(x)
      real(8), intent(inout) :: x(:)
      integer :: last
      real(8) :: pivot
      if (size(x) < 2) return
      pivot = x((size(x) + 1)/2)
      last = partition(x)
      call sort(x(:last))
      call sort(x(last + 1:))
   contains
      integer function partition(y)
         real(8), intent(inout) :: y(:)
         integer :: i, j
         i = 0
         j = size(y) + 1
         do
            do
               j = j - 1
               if (y(j) <= pivot) exit
            end do
            do
               i = i + 1
               if (y(i) >= pivot) exit
            end do
            if (i >= j) exit
            call swap(y(i), y(j))
         end do
         partition = j
      end function partition
      subroutine swap(a, b)
         real(8), intent(inout) :: a, b
         real(8) :: t
         t = a
         a = b
         b = t
      end subroutine swap
   end subroutine sort
end module matrices

module solver
   use matrices
   implicit none
contains
   subroutine eliminate(m, b)
      type(matrix), intent(inout) :: m
      real(8), intent(inout) :: b(:)
      integer :: i, j
      real(8) :: f
      do i = 1, m%n
         do j = i + 1, m%n
            f = m%a(j, i)/m%a(i, i)
            m%a(j, i:) = m%a(j, i:) - f*m%a(i, i:)
            b(j) = b(j) - f*b(i)
         end do
      end do
      do i = m%n, 1, -1
         b(i) = (b(i) - dot_product(m%a(i, i + 1:), b(i + 1:)))/m%a(i, i)
      end do
   end subroutine eliminate
end module solver

program names
   use solver
   implicit none
   type(matrix) :: m
   real(8), allocatable :: b(:)
   real(8) :: total
   integer :: i, j
   character(len=40) :: text
   total = 0
   do i = 2, 60
      call m%fill(i, 3*i)
      total = total + m%trace() + norm(m%a)
      b = [(real(mod(j*37, 11), 8), j=1, i)]
      call eliminate(m, b)
      total = total + norm(b)
      b = reshape(m%a, [i*i])
      call sort(b)
      total = total + maxval(b) - b(1)
      write (text, '(a,i0,1x,es12.4)') 'step ', i, total
      if (index(text, '*') > 0) stop 1
   end do
   print *, trim(text), matmul(m%a(1:2, 1:2), transpose(m%a(1:2, 1:2)))
end program names
